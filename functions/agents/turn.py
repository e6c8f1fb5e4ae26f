"""State machine step: one turn of the model."""

from __future__ import annotations

from typing import Any

from agents import steps, turns
from llm_core import gateway

gateway.prepare()


@steps.step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{runId, turn}` in, `{outcome, calls, next, ...}` out: see turns.take."""
    return turns.take(event["runId"], event["turn"], steps.deadline(context))
