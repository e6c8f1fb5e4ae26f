"""The platform's own dialect while it is written, as its own client reads it: the text, the account, the end."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from gateway.dialects import native, server_sent
from llm_core.aws import refusals
from llm_core.deltas import TextPiece
from llm_core.errors import DreyError
from llm_core.live import Live
from llm_core.messages import Request


def stream(live: Live, request: Request) -> Generator[bytes]:  # noqa: ARG001 - as the other dialects have it
    """`{"content"}` for each piece of text; at the end all else. Raises what reading `live` raises."""
    with closing(live):
        for event in live:
            for delta in event.deltas:
                if isinstance(delta, TextPiece):
                    yield server_sent.data({"content": delta.text})
    account = native.account(live.call, live.model, live.heard.finish, live.heard.usage)
    yield server_sent.data({"id": live.call.id, **account})
    yield server_sent.DONE


def failed(error: DreyError, request_id: str) -> bytes:
    """What went wrong after the answer had begun. Nothing follows it."""
    return b"data: %b\n\n" % refusals.refusal(error, refusals.native, request_id).body.encode()
