"""A run is cancelled: in its own item first, so that no step goes on, then in the state machine."""

from __future__ import annotations

from llm_core.aws import machine
from llm_core.deadline import Deadline
from llm_core.runs.change import change
from llm_core.runs.ending import ended
from llm_core.runs.run import Run
from llm_core.settings import settings


def cancel(run_id: str, deadline: Deadline) -> Run:
    """Whatever it is at, it ends; one that has ended stays as it is. Its calls in flight are settled all the same.

    Raises NotFound, StoreUnavailable.
    """
    found = change(run_id, lambda run: None if run.over else ended(run, "cancelled", reason="cancelled"), deadline)
    for child in found.children:
        change(child, lambda run: None if run.over else ended(run, "cancelled", reason="cancelled"), deadline)
    if not found.parent:
        machine.stop(settings().need("agent_machine_arn"), found.id)
    return found
