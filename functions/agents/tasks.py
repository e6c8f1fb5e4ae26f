"""A run of several tasks: each is a run of its own, side by side; when all have ended, this one tells what became."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from llm_core.deadline import Deadline
from llm_core.runs import ending
from llm_core.runs import run as runs
from llm_core.runs.bodies import MOST_BYTES
from llm_core.runs.change import Step, change
from llm_core.runs.events import Event
from llm_core.runs.run import Run


def gather(run_id: str, deadline: Deadline) -> None:
    """End it: succeeded when all tasks did. One that never ended, because its execution could not go on, is failed.

    Raises NotFound, StoreUnavailable.
    """
    below = [_ended(child, deadline) for child in runs.find(run_id).children]
    tokens_in, tokens_out = sum(each.input_tokens for each in below), sum(each.output_tokens for each in below)

    def decide(now: Run) -> Step | None:
        if now.over:
            return None
        whole = replace(now, cost=sum(each.cost for each in below), input_tokens=tokens_in, output_tokens=tokens_out)
        told = [Event("observation", _told(each)) for each in below]
        output = {"tasks": [_told(each) for each in below]}
        failed = [each for each in below if each.status != "succeeded"]
        if failed:
            message = f"{len(failed)} of {len(below)} tasks failed; each run tells why."
            return ending.ended(whole, "failed", reason="tasks_failed", message=message, output=output, before=told)
        return ending.ended(whole, "succeeded", output=output, before=told)

    change(run_id, decide, deadline)


def _ended(run_id: str, deadline: Deadline) -> Run:
    message = "Its execution ended before it did."
    return change(
        run_id, lambda now: None if now.over else ending.ended(now, "failed", reason="lost", message=message), deadline
    )


def _told(run: Run) -> dict[str, Any]:
    """What a task's run came to; an output that is too large stays in that run."""
    output: Any = dict(run.output) if len(str(run.output)) < MOST_BYTES // 4 else {}
    return {"taskRunId": run.id, "status": run.status, "reason": run.reason, "output": output, "taskCostNano": run.cost}
