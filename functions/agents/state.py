"""State machine step: a run waits for a person's word, has waited in vain, gathers its tasks, or cannot go on."""

from __future__ import annotations

from typing import Any

from agents import steps, tasks
from llm_core.aws.telemetry import logger
from llm_core.runs import approval, ending
from llm_core.runs.change import Step, change
from llm_core.runs.run import Run
from llm_core.settings import settings

settings()  # a wrong environment stops the door at its start


@steps.step
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`{runId, step}` in, with `turn` and `token` for `wait`, and `error` for `fail`."""
    run_id, deadline = event["runId"], steps.deadline(context)
    match event["step"]:
        case "wait":
            approval.wait(run_id, event["turn"], event["token"], deadline)
        case "expired":
            approval.decide(run_id, "expired", deadline)
        case "gather":
            tasks.gather(run_id, deadline)
        case "fail":
            logger.error("run gave up", extra={"event": "run_failed", "run": run_id, "cause": event["error"]["Error"]})
            change(run_id, _failed, deadline)
    return {"runId": run_id}


def _failed(run: Run) -> Step | None:
    message = "A step failed again and again. What it was stands in the log."
    return None if run.over else ending.ended(run, "failed", reason="step_failed", message=message)
