"""A call in flight, as the hold on its key's own month tells it, and the mark on it by which it is told to stop.

Every paid call has that hold for as long as it lasts, be it of nothing. The hold says whose the call is, and the mark
goes with it: a call that nobody stops writes nothing more, and no mark is left behind.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from llm_core.accounts.steps import Entry
from llm_core.accounts.window import Window, label
from llm_core.aws import table
from llm_core.aws.writes import ConditionFailed, update
from llm_core.deadline import Deadline
from llm_core.settings import settings

_SECONDS_TO_HOLD = 60
"""A call's hold is taken within this time of its id: at the turn of a month, in the next one."""

_MARK = "c"
"""Of an entry in `holds` (steps.py): when the call was told to stop, in epoch seconds."""


@dataclass(frozen=True, slots=True)
class Running:
    """A call that is being answered: whose it is and what it holds (nano-USD). `kind` is its operation and the model
    that was asked first; `stopping`: it was told to."""

    call_id: str
    account: str
    place: Window
    held: int
    kind: str
    stopping: bool


def find(account: str, call_id: str, made: float) -> Running | None:
    """The call of this key's account, with an id made then (epoch seconds), while it lasts. Raises StoreUnavailable."""
    for text in dict.fromkeys(label("month", made + later) for later in (0, _SECONDS_TO_HOLD)):
        place = Window(account, text)
        found = _entry(place, call_id)
        entry = Entry.of({"holds": {call_id: found}}, call_id) if found else None
        if entry and entry.windows:  # else it is a call of a key below, which holds here too
            return Running(call_id, account, place, entry.held, entry.model, stopping=_MARK in found)
    return None


def stop(call: Running, deadline: Deadline) -> bool:
    """Tell it to stop; False if it has ended meanwhile. Raises StoreUnavailable."""
    change, condition = f"SET #holds.#id.{_MARK} = :now", "attribute_exists(#holds.#id)"
    try:
        update(call.place.write(change, condition, {":now": int(time.time())}, {"#id": call.call_id}), deadline)
    except ConditionFailed:
        return False
    return True


def stopping(place: Window, call_id: str) -> bool:
    """Whether the call that holds here was told to stop, up to a moment ago. Raises StoreUnavailable."""
    return _entry(place, call_id, _MARK, consistent=False) is not None


def _entry(place: Window, call_id: str, *path: str, consistent: bool = True) -> Any:
    name = settings().need("budgets_table_name")
    return table.part(name, {"userId": place.name}, "holds", call_id, *path, consistent=consistent)
