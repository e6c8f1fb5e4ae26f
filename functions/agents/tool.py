"""State machine step: one tool that the model asked for."""

from __future__ import annotations

from typing import Any

from agents import calls, steps
from llm_core import gateway

gateway.prepare()


@steps.step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{runId, turn, call}` in; what it gave back is in the run."""
    calls.run(event["runId"], event["turn"], event["call"], steps.deadline(context))
    return {"runId": event["runId"]}
