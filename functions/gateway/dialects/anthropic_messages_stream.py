"""Anthropic Messages while they are written: events, as the anthropic SDK and its streaming helper read them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

from gateway.dialects.anthropic_blocks import Blocks
from gateway.dialects.anthropic_messages import STOP_REASON, usage
from gateway.dialects.openai_chat import cost
from gateway.dialects.server_sent import named
from llm_core.aws import refusals
from llm_core.deltas import Event, Finished
from llm_core.errors import DreyError
from llm_core.live import Live
from llm_core.messages import Request, Usage
from llm_core.providers import directory


def stream(live: Live, request: Request) -> Generator[bytes]:  # noqa: ARG001 - as the other dialects have it
    """Claude's own events as they come, GPT's answer in events, both under our id. Raises what reading `live` raises.

    The stop reason leaves only when the answer has ended and is paid: whoever sees one has seen everything.
    """
    own = directory.provider(live.model.provider).dialect == "anthropic"
    with closing(live):
        yield from _passed(live) if own else _written(live)
    yield named({"type": "message_stop"})


def failed(error: DreyError, request_id: str) -> bytes:
    """What went wrong after the answer had begun. Nothing follows it."""
    return b"event: error\ndata: %b\n\n" % refusals.refusal(error, refusals.anthropic, request_id).body.encode()


def _passed(live: Live) -> Iterator[bytes]:
    """Claude's events. Of the first the names are ours, of the last the account."""
    waiting: list[Event] = []
    for event in live:
        if waiting or any(isinstance(delta, Finished) for delta in event.deltas):
            waiting.append(event)
        elif event.data["type"] == "message_start":
            message = event.data["message"]
            counted = message.get("usage") or usage(Usage())  # SDKs build on it, whatever the provider left out
            names = {"id": live.call.id, "model": live.model.model, "usage": counted}
            yield named({**event.data, "message": {**message, **names}})
        else:
            yield event.raw
    for event in waiting:
        if event.data["type"] == "message_delta":
            yield named({**event.data, "usage": {**(event.data.get("usage") or {}), **cost(live.call)}})
        else:
            yield event.raw


def _written(live: Live) -> Iterator[bytes]:
    """GPT's answer. It is counted at its end only."""
    head = {"id": live.call.id, "type": "message", "role": "assistant", "model": live.model.model, "content": []}
    unknown = {"stop_reason": None, "stop_sequence": None, "usage": usage(Usage())}
    yield named({"type": "message_start", "message": {**head, **unknown}})
    blocks = Blocks()
    for event in live:
        for delta in event.deltas:
            yield from map(named, blocks.hear(delta))
    yield from map(named, blocks.end())
    yield named(_ended(live))


def _ended(live: Live) -> dict[str, Any]:
    heard = live.heard
    stop = {"stop_reason": STOP_REASON[heard.finish] if heard.finish else None, "stop_sequence": None}
    counted = usage(heard.usage) if heard.usage else {}
    return {"type": "message_delta", "delta": stop, "usage": {**counted, **cost(live.call)}}
