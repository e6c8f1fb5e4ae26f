"""A run changes: what is decided of it, its next events and what belongs to them are written together, or not at all.

Whoever changes a run says what to do with it as it stands; when somebody else was faster, he is asked again. So a race
has exactly one outcome, and no event is told of what did not happen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llm_core.aws import table
from llm_core.aws.writes import ConditionFailed, Write, together
from llm_core.deadline import Deadline
from llm_core.runs import run as runs
from llm_core.runs.events import Event, stored
from llm_core.runs.run import ITSELF, Run, runs_table


@dataclass(frozen=True, slots=True)
class Step:
    """The run as it is to be, the events that tell of it, items that must not exist yet (`{item, ...}`), and what else
    belongs into the transaction."""

    run: Run
    events: Sequence[Event] = ()
    items: Sequence[Mapping[str, Any]] = ()
    also: Sequence[Write] = ()


class Done(Exception):
    """An item of the step is there: the step was made before."""

    def __init__(self, item: table.Item) -> None:
        super().__init__(item["item"])
        self.item = item


def change(run_id: str, decide: Callable[[Run], Step | None], deadline: Deadline) -> Run:
    """The run after what `decide` made of it; None changes nothing. What it raises is passed on.

    Raises Done, NotFound, StoreUnavailable, DeadlineExceeded.
    """
    while True:
        before = runs.find(run_id)
        step = decide(before)
        if step is None:
            return before
        after = replace(step.run, version=before.version + 1, seq=before.seq + len(step.events))
        try:
            together([_itself(before, after), *_new(before, step), *step.also], deadline)
        except ConditionFailed as failure:
            names = {item["item"] for item in step.items}
            found = next((item for item in failure.items if item and item.get("item") in names), None)
            if found is not None:
                raise Done(found) from failure
            deadline.remaining()
        else:
            return after


def _itself(before: Run, after: Run) -> Write:
    key = {"runId": before.id, "item": ITSELF}
    condition, values = "#version = :before", {":before": before.version}
    return Write(runs_table(), key, item=runs.stored(after), condition=condition, values=values)


def _new(run: Run, step: Step) -> list[Write]:
    kept = [{**item, "runId": run.id, "ttl": runs.expiry(run.created)} for item in step.items]
    kept += [stored(run, event, run.seq + number) for number, event in enumerate(step.events, 1)]
    return [
        Write(
            runs_table(),
            {"runId": run.id, "item": item["item"]},
            item=item,
            condition="attribute_not_exists(#item)",
        )
        for item in kept
    ]
