"""OpenAI Chat Completions while they are written: chunks, as the openai SDK and its streaming helper read them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

from gateway.dialects import server_sent
from gateway.dialects.openai_chat import cost, finish_reason, usage
from llm_core.aws import refusals
from llm_core.deltas import CallBegun, CallPiece, Delta, TextPiece
from llm_core.errors import DreyError
from llm_core.live import Live
from llm_core.messages import Request
from llm_core.providers import directory

Chunk = dict[str, Any]


def stream(live: Live, request: Request) -> Generator[bytes]:
    """OpenAI's own chunks as they come, Claude's answer in chunks, all under our id. Raises what reading `live` raises.

    A finish reason leaves only when the answer has ended and is paid: whoever sees one has seen everything.
    """
    call = live.call
    head = {"id": call.id, "object": "chat.completion.chunk", "created": call.created, "model": live.model.model}
    not_yet = {"usage": None} if request.include_usage else {}
    own = directory.provider(live.model.provider).dialect == "openai"
    with closing(live):
        for chunk in _passed(live) if own else _written(live):
            if "usage" not in chunk:
                yield server_sent.data({**chunk, **head, **not_yet})
            elif request.include_usage:
                yield server_sent.data({**chunk, **head, "usage": {**chunk["usage"], **cost(call)}})
    yield server_sent.DONE


def failed(error: DreyError, request_id: str) -> bytes:
    """What went wrong after the answer had begun. Nothing follows it."""
    return b"data: %b\n\n" % refusals.refusal(error, refusals.openai, request_id).body.encode()


def _passed(live: Live) -> Iterator[Chunk]:
    """OpenAI's chunks. Of several choices each ends for itself, and what is left of it waits for the others."""
    counted: Chunk = {}
    waiting: list[Chunk] = []
    ended: set[int] = set()
    for event in live:
        chunk = {name: value for name, value in event.data.items() if name != "usage"}
        told = event.data.get("usage")
        if told:
            counted = {**chunk, "usage": told}
        choices = {choice["index"] for choice in chunk["choices"]}
        if any(choice.get("finish_reason") for choice in chunk["choices"]):
            ended |= choices
        if choices & ended:
            waiting.append(chunk)
        elif choices or not told:
            yield chunk
    yield from waiting
    yield {"usage": {}, **counted, "choices": []}


def _written(live: Live) -> Iterator[Chunk]:
    """Claude's answer. It thinks in silence here, as OpenAI's do; what it said before it refused stays said."""
    first: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    for event in live:
        for piece in filter(None, map(_piece, event.deltas)):
            yield _chunk({**first, **piece})
            first = {}
    heard = live.heard
    yield _chunk(first, finish_reason(heard.finish) if heard.finish else None)
    yield {"choices": [], "usage": usage(heard.usage) if heard.usage else {}}


def _chunk(delta: dict[str, Any], finish: str | None = None) -> Chunk:
    return {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}


def _piece(delta: Delta) -> dict[str, Any] | None:
    match delta:
        case TextPiece(text):
            return {"content": text}
        case CallBegun(index, id, name):
            return _call(index, {"name": name, "arguments": ""}, id=id, type="function")
        case CallPiece(index, arguments):
            return _call(index, {"arguments": arguments})
    return None


def _call(index: int, function: dict[str, str], **told: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, **told, "function": function}]}
