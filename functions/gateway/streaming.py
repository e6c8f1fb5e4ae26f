"""An answer that leaves the door while it is written; or, where the caller wants it so, whole and in the same form."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Protocol

from gateway import account
from gateway.keep_alive import KeptAlive
from llm_core import gateway
from llm_core.aws.http import Door, Response
from llm_core.callers import Caller
from llm_core.cancellation import Cancellation
from llm_core.errors import DreyError
from llm_core.live import Live
from llm_core.messages import Request

HELD_BACK_S = 60.0
"""Until the model's first content nothing leaves, so that a refusal has its status and a fallback does no harm. After
so long the status leaves all the same, and comments follow: CloudFront gives up on an origin silent for 120 s."""

EVENTS = "text/event-stream"


class Dialect(Protocol):
    """How a dialect tells a stream, and what went wrong in it."""

    def stream(self, live: Live, request: Request) -> Generator[bytes]: ...

    def failed(self, error: DreyError, request_id: str) -> bytes: ...


def answered(door: Door, caller: Caller, request: Request, dialect: Dialect) -> Response:
    """Raises what gateway.stream raises, while the status has not left; later it is told in the stream."""
    deadline, request_id, cancellation = door.deadline, door.request_id, Cancellation()
    wishes = replace(account.wishes(door), cancellation=cancellation)
    if account.word(door, "x-drey-stream-mode", "buffered"):
        live = gateway.stream(request, caller, deadline, wishes)
        body = b"".join(dialect.stream(live, request))
        return Response(200, body, account.spent(live.call) | account.head(live, live.attempts), EVENTS)
    kept = KeptAlive(
        lambda: gateway.stream(request, caller, deadline, wishes),
        lambda live: dialect.stream(live, request),
        lambda error: dialect.failed(error, request_id),
        cancellation,
    )
    begun = kept.begun(HELD_BACK_S)
    head = account.head(begun, begun.attempts) if begun else {}
    return Response(200, kept, head, EVENTS)
