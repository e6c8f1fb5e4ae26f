"""A run begins: it is written down with all it may and all it has to spend, then the state machine is started."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from llm_core.accounts import opening
from llm_core.aws import machine
from llm_core.aws.writes import ConditionFailed, Write, together
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.errors import StoreUnavailable
from llm_core.runs import bodies, run, slots
from llm_core.runs.bodies import INPUT
from llm_core.runs.change import Step, change
from llm_core.runs.ending import ended
from llm_core.runs.run import Run, Terms, runs_table
from llm_core.settings import settings


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done: the kind of agent, its input (plain JSON), what it may, and, in nano-USD, what it may spend;
    None leaves it to the key's budgets. `tasks`: inputs of runs of the same kind, side by side, below this one."""

    kind: str
    input: Any
    terms: Terms
    budget: int | None = None
    tasks: Sequence[Any] = ()


def start(caller: Caller, order: Order, deadline: Deadline) -> Run:
    """The run, which is on its way. Raises TooManyRuns, StoreUnavailable."""
    arn = settings().need("agent_machine_arn")
    made = written(caller, order, deadline)
    try:
        machine.start(arn, made.id, event(made))
    except StoreUnavailable:
        with suppress(StoreUnavailable):  # if this fails too, it is lost, and ended by whoever looks
            change(made.id, lambda now: None if now.over else _not_started(now), deadline)
        raise
    return made


def _not_started(run: Run) -> Step:
    return ended(run, "failed", reason="not_started", message="The state machine could not be reached.")


def written(caller: Caller, order: Order, deadline: Deadline) -> Run:
    """The run, of which nobody knows yet. Raises as `start` does."""
    table_name = runs_table()
    now = int(time.time())
    made = Run(
        id=run.new_id(),
        owner=caller.user_id,
        key_id=caller.key_id,
        kind=order.kind,
        terms=order.terms,
        created=now,
        until=now + order.terms.seconds,
        budget=order.budget,
    )
    if order.budget is not None:
        made = replace(made, purse=made.id)
    tasks = [replace(made, id=run.new_id(), parent=made.id, budget=None) for _ in order.tasks]
    made = replace(made, children=tuple(task.id for task in tasks))
    steps: list[Write] = []
    for each, given in zip([made, *tasks], [order.input, *order.tasks], strict=True):
        pointer = {"item": INPUT, "runId": each.id, "body": bodies.keep(each.id, INPUT, given)}
        for item in (run.stored(each), {**pointer, "ttl": run.expiry(now)}):
            key = {name: item[name] for name in ("runId", "item")}
            steps.append(Write(table_name, key, item=item, condition="attribute_not_exists(#item)"))
    if order.budget is not None:
        steps.append(opening.purse(f"run:{made.id}", order.budget, until=run.expiry(now)))
    while True:
        try:
            together([*steps, slots.take(made)], deadline)
        except ConditionFailed:
            slots.make_room(made, deadline)
        else:
            return made


def event(made: Run) -> dict[str, Any]:
    """What the state machine begins with: ids and nothing else."""
    if made.children:
        return {"runId": made.id, "tasks": [{"runId": child, "turn": 1} for child in made.children]}
    return {"runId": made.id, "turn": 1}
