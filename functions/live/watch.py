"""Invoked by WebSocket $default, and by itself: a run's events go to all who watch it, while somebody does."""

from __future__ import annotations

from typing import Any

from live import watching
from live.watching import Asked
from llm_core.aws import telemetry
from llm_core.deadline import Deadline
from llm_core.settings import settings

SECONDS_KEPT = 10.0

settings()  # a wrong environment stops the door at its start


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{runId, token}` -> {}: who holds the token's lease sends, whoever else is invoked does nothing."""
    if event.get("warmup"):
        return {}
    with telemetry.request(request_id=context.aws_request_id, run=event["runId"]):
        deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000 - SECONDS_KEPT)
        asked = Asked.model_validate(event)
        watching.watch(asked.runId, asked.token, deadline)
    return {}
