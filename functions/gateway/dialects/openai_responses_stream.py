"""OpenAI Responses while they are written: events, as the openai SDK and the agents built on it read them."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

from gateway.dialects import openai_responses
from gateway.dialects.openai_responses_items import answered, function_call, message, output_text
from gateway.dialects.server_sent import named
from llm_core.aws import refusals
from llm_core.deltas import CallBegun, CallPiece, Delta, TextPiece
from llm_core.errors import DreyError
from llm_core.live import Live
from llm_core.messages import Request

Json = dict[str, Any]


def stream(live: Live, request: Request) -> Generator[bytes]:
    """The answer in events, numbered. Raises what reading `live` raises, after a response that says so.

    No item is done before the answer has ended and is paid: agents act on a call as soon as it is.
    """
    for number, event in enumerate(_events(live, request)):
        yield named({**event, "sequence_number": number})


def failed(error: DreyError, request_id: str) -> bytes:
    """What went wrong after the answer had begun. Nothing follows it. Because of `error` in it the SDK raises."""
    told = json.loads(refusals.refusal(error, openai_responses.refusal, request_id).body)
    top = {name: told["error"][name] for name in ("code", "message", "param")}
    return named({"type": "error", **top, **told})


def _events(live: Live, request: Request) -> Generator[Json]:
    response = openai_responses.begun(live.call, live.model, live.limit, request)
    items = _Items(live.call.id)
    with closing(live):
        yield {"type": "response.created", "response": response}
        yield {"type": "response.in_progress", "response": response}
        try:
            for event in live:
                for delta in event.deltas:
                    yield from items.hear(delta)
        except DreyError as error:
            yield {"type": "response.failed", "response": {**response, **_failure(live, error)}}
            raise
    heard = live.heard
    assert heard.finish  # noqa: S101 - for the type checker: what ends without one was cut, and that is raised
    ended = openai_responses.ended(live.call, heard.finish, heard.usage, heard.terms)
    output = answered(live.call.id, heard.parts, whole=ended["status"] == "completed")
    for index, item in enumerate(output):
        yield from _done(index, item)
    yield {"type": f"response.{ended['status']}", "response": {**response, "output": output, **ended}}


def _failure(live: Live, error: DreyError) -> Json:
    """What a response says that failed: what was said until then, of which nobody knows whether it was all."""
    told = json.loads(refusals.refusal(error, refusals.openai, "").body)["error"]
    output = [{**item, "status": "incomplete"} for item in answered(live.call.id, live.heard.parts, whole=False)]
    return {"status": "failed", "error": {"code": told["code"], "message": told["message"]}, "output": output}


class _Items:
    """The items that have begun: one for each part of the answer, in its order."""

    def __init__(self, call_id: str) -> None:
        self._call_id = call_id
        self._begun: list[Json] = []
        self._calls: dict[int, int] = {}

    def hear(self, delta: Delta) -> Iterator[Json]:
        match delta:
            case TextPiece(text):
                if not self._begun or self._begun[-1]["type"] != "message":
                    yield self._added(message(self._call_id, len(self._begun)))
                    empty = {"content_index": 0, "part": output_text("")}
                    yield {"type": "response.content_part.added", **self._at(-1), **empty}
                told = {"content_index": 0, "delta": text, "logprobs": []}
                yield {"type": "response.output_text.delta", **self._at(-1), **told}
            case CallBegun(index, id, name):
                self._calls[index] = len(self._begun)
                yield self._added(function_call(self._call_id, len(self._begun), id, name))
            case CallPiece(index, arguments):
                told = {"delta": arguments}
                yield {"type": "response.function_call_arguments.delta", **self._at(self._calls[index]), **told}

    def _added(self, item: Json) -> Json:
        self._begun.append(item)
        return {"type": "response.output_item.added", "output_index": len(self._begun) - 1, "item": item}

    def _at(self, place: int) -> Json:
        return _at(place % len(self._begun), self._begun[place])


def _at(index: int, item: Json) -> Json:
    return {"output_index": index, "item_id": item["id"]}


def _done(index: int, item: Json) -> Iterator[Json]:
    """The end of an item, with all of it once more."""
    at = _at(index, item)
    if item["type"] == "message":
        (part,) = item["content"]
        text = {"content_index": 0, "text": part["text"], "logprobs": []}
        yield {"type": "response.output_text.done", **at, **text}
        yield {"type": "response.content_part.done", **at, "content_index": 0, "part": part}
    else:
        told = {"name": item["name"], "arguments": item["arguments"]}
        yield {"type": "response.function_call_arguments.done", **at, **told}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}
