"""How many runs of one user are at work at once: each takes a slot when it begins and gives it back when it ends.

A slot has a lease, so that a run of which nobody hears again does not keep it for ever.
"""

from __future__ import annotations

import time
from contextlib import suppress

from llm_core.aws import table
from llm_core.aws.writes import ConditionFailed, Write, update
from llm_core.deadline import Deadline
from llm_core.errors import RateLimited
from llm_core.runs.run import Run, runs_table

MOST = 15

LEASE_SECONDS = 300
"""How long after its time a run may still be ending."""

_SLOTS = "slots"


class TooManyRuns(RateLimited):
    """All slots of this user are taken."""

    code = "too_many_runs"
    retry_after_s = 5


def take(run: Run) -> Write:
    """A step that takes one; it fails where none is free, or none were ever taken."""
    names = _names(run)
    change = "SET " + ", ".join(f"#slots.{name} = :lease" for name in names)
    condition = "attribute_exists(#runId) AND size(#slots) <= :room"
    values = {":lease": run.until + LEASE_SECONDS, ":room": MOST - len(names)}
    return Write(runs_table(), _key(run.owner), change, condition, values, names)


def give_back(run: Run) -> Write:
    """A step that gives it back, if it is still taken."""
    names = _names(run)
    change = "REMOVE " + ", ".join(f"#slots.{name}" for name in names)
    return Write(runs_table(), _key(run.owner), change, "attribute_exists(#runId)", {}, names)


def taken(owner: str) -> list[str]:
    """The runs that are at work for a user, as far as their leases tell. Raises StoreUnavailable."""
    slots = (table.get(runs_table(), _key(owner)) or {}).get(_SLOTS, {})
    return sorted(name for name, lease in slots.items() if lease >= time.time())


def make_room(run: Run, deadline: Deadline) -> None:
    """After a step of `take` failed: see to it that it may succeed now. Raises TooManyRuns, StoreUnavailable."""
    owner = run.owner
    with suppress(table.AlreadyThere):
        table.put_new(runs_table(), {**_key(owner), _SLOTS: {}}, key="runId")
        return
    slots = (table.get(runs_table(), _key(owner)) or {})[_SLOTS]
    lost = [name for name, lease in slots.items() if lease < time.time()]
    for name in lost:
        change, condition, values = "REMOVE #slots.#run", "#slots.#run = :lease", {":lease": slots[name]}
        with suppress(ConditionFailed):
            update(Write(runs_table(), _key(owner), change, condition, values, {"#run": name}), deadline)
    at_work = len(slots) - len(lost)
    if at_work + len(run.workers) > MOST:
        words = f"{at_work} agents of yours are at work, and {MOST} may be at once. Try again when one ends."
        raise TooManyRuns(words)


def _names(run: Run) -> dict[str, str]:
    return {f"#run{number}": name for number, name in enumerate(run.workers)}


def _key(owner: str) -> dict[str, str]:
    return {"runId": f"{_SLOTS}#{owner}", "item": _SLOTS}
