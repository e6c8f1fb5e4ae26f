"""What all steps of the state machine share: their labels in the log, their deadline, and a warm start."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from llm_core.aws import telemetry
from llm_core.deadline import Deadline
from llm_core.errors import NotFound

SECONDS_KEPT = 10.0
"""Of a step's Lambda time-out: for writing down what came of it."""

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def step(handler: Handler) -> Handler:
    """Whatever it raises is retried by the state machine, and logged here: expected ends are data."""

    @wraps(handler)
    def stepped(event: dict[str, Any], context: Any) -> dict[str, Any]:
        if event.get("warmup"):
            return {}
        with telemetry.request(request_id=context.aws_request_id, run=event["runId"]):
            try:
                return handler(event, context)
            except NotFound:  # forgotten, with all that belongs to it
                telemetry.logger.warning("no such run", extra={"event": "run_unknown"})
                return {"runId": event["runId"], "outcome": "over"}
            except Exception:
                telemetry.logger.exception("step failed", extra={"event": "step_failed"})
                raise

    return stepped


def deadline(context: Any) -> Deadline:
    """Until when a step may be at work."""
    return Deadline.after(context.get_remaining_time_in_millis() / 1000 - SECONDS_KEPT)
