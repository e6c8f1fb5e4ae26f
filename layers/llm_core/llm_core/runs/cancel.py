"""A run is cancelled: in its own item first, so that no step goes on, then in the state machine."""

from __future__ import annotations

from llm_core.aws import machine
from llm_core.deadline import Deadline
from llm_core.runs.change import Step, change
from llm_core.runs.ending import ended
from llm_core.runs.run import Run
from llm_core.settings import settings


def cancel(run_id: str, deadline: Deadline) -> Run:
    """Whatever it is at, it ends; one that has ended stays as it is. Its calls in flight are settled all the same.

    Raises NotFound, StoreUnavailable.
    """
    found = _cancelled(run_id, deadline)
    for child in found.children:
        _cancelled(child, deadline)
    if not found.parent:
        machine.stop(settings().need("agent_machine_arn"), found.id)
    return found


def _cancelled(run_id: str, deadline: Deadline) -> Run:
    """A task's execution is not stopped but let go on to its end, for which the run above waits: no person is asked."""
    waits: list[str] = []

    def decide(run: Run) -> Step | None:
        waits[:] = [run.pending.token] if run.pending and run.pending.token else []
        return None if run.over else ended(run, "cancelled", reason="cancelled")

    found = change(run_id, decide, deadline)
    if found.parent and waits:
        machine.answer(waits[0])
    return found
