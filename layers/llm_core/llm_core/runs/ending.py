"""A run ends, once: by its answer, by a limit, by a person, or because nobody heard of it for too long."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from llm_core.aws.telemetry import logger
from llm_core.deadline import Deadline
from llm_core.errors import StoreUnavailable
from llm_core.runs import slots
from llm_core.runs.change import Step, change
from llm_core.runs.events import Event
from llm_core.runs.run import WAITS, Run

LOST_SECONDS = slots.LEASE_SECONDS
"""After its time, and with nobody to wait for, a run that has not ended never will by itself."""


def ended(
    run: Run,
    status: Literal["succeeded", "failed", "cancelled"],
    *,
    reason: str = "",
    message: str = "",
    output: Mapping[str, Any] | None = None,
    before: Sequence[Event] = (),
    items: Sequence[Mapping[str, Any]] = (),
) -> Step:
    """The last step of a run. `before`: events that come first. A failure is told by `error`, every end by `done`.

    `reason` is a word for programs, `message` a sentence for people.
    """
    events = list(before)
    if status == "failed":
        events.append(Event("error", {"reason": reason, "message": message}))
    told = {"status": status, **({"reason": reason} if reason else {}), "costNano": run.cost}
    events.append(Event("done", told))
    over = replace(run, status=status, reason=reason, output=output or run.output, pending=None)
    return Step(over, events, items, () if run.parent else (slots.give_back(run),))


def looked_at(run: Run, deadline: Deadline) -> Run:
    """The run; one that was lost is ended first. Raises StoreUnavailable."""
    if run.over or time.time() < _lost_at(run):
        return run
    message = "Nothing was heard of this run any more."
    try:
        return change(
            run.id, lambda now: None if now.over else ended(now, "failed", reason="lost", message=message), deadline
        )
    except StoreUnavailable:
        logger.exception("lost run not ended", extra={"event": "run_lost", "run": run.id})
        return run


def _lost_at(run: Run) -> int:
    waits = WAITS[run.pending.what] if run.pending else 0
    if run.children:  # each of them may wait for a person
        waits = WAITS["publish"] if run.terms.publishes else WAITS["tools"] if run.terms.approvals else 0
    return run.until + waits + LOST_SECONDS
