"""Invoked by WebSocket $default, which does not wait: an answer goes to its connection while it is written."""

from __future__ import annotations

from typing import Any

from live import answering
from live.answering import Asked
from llm_core import gateway
from llm_core.aws import telemetry
from llm_core.deadline import Deadline

SECONDS_KEPT = 15.0
"""Of the function's time, for telling the end and settling."""

gateway.prepare()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """{"begun"}. What goes wrong is told on the socket."""
    if event.get("warmup"):
        return {}
    with telemetry.request(request_id=context.aws_request_id):
        deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000 - SECONDS_KEPT)
        return answering.answer(Asked.model_validate(event), deadline, context.aws_request_id)
