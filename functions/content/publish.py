"""Invoked by a schedule: the moment has come, and the post is published."""

from __future__ import annotations

from typing import Any

from content import schedule
from llm_core.aws import telemetry
from llm_core.deadline import Deadline
from llm_core.settings import settings

settings()  # a wrong environment stops the door at its start

_SECONDS_KEPT = 2.0


def handler(event: dict[str, Any], context: Any) -> dict[str, bool]:
    """`{postId, scheduledAt}` in, `{published}` out. What it raises is tried again by the scheduler."""
    if event.get("warmup"):
        return {}
    with telemetry.request(request_id=context.aws_request_id, post=event["postId"]):
        deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000 - _SECONDS_KEPT)
        published = schedule.carry_out(event["postId"], event["scheduledAt"], deadline)
        telemetry.logger.info("schedule fired", extra={"event": "schedule_fired", "published": published})
    return {"published": published}
