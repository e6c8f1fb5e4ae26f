"""One call's hold in one window: an entry of the window's map `holds`, and each step of its life one conditional write.

Call id -> `e` estimated and held (nano-USD), `l` lease (epoch seconds), `u` user; the one on the key's own window also
has `n`, the number of windows held, `m`, the model, and `b`, how many of those windows pay beside the key's line. Names
are short because a write is billed by the size of its item. Where a write that is over may still arrive (given up, or
its caller taken for dead), the call leaves a trace in the map `ended`: `b` booked, `l` until when it stays, `u` user.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from llm_core.accounts.window import OPEN, UNLIMITED, Window
from llm_core.aws import table
from llm_core.aws.writes import ConditionFailed, Write, update
from llm_core.deadline import Deadline

LEASE_SECONDS = 60
"""How long after its deadline a call may still settle by itself, and how long a sweeper may take to finish one."""

TRACE_SECONDS = 900
"""How long a trace stays: as long as a Lambda can live that might still come back."""


class Gone(Exception):
    """This call has no such open hold here. `found`: another one that is open; `trace`: what a settle left."""

    def __init__(self, found: Entry | None = None, trace: Trace | None = None) -> None:
        super().__init__()
        self.found = found
        self.trace = trace


@dataclass(frozen=True, slots=True)
class Entry:
    """One open hold in one window, as stored."""

    held: int
    lease: int
    user: str
    windows: int = 0
    model: str = ""
    beside: int = 0

    @classmethod
    def of(cls, item: table.Item | None, call_id: str) -> Entry | None:
        found = (item or {}).get("holds", {}).get(call_id)
        if found is None:
            return None
        return cls(found["e"], found["l"], found["u"], found.get("n", 0), found.get("m", ""), found.get("b", 0))

    @property
    def stored(self) -> dict[str, Any]:
        short: dict[str, Any] = {"e": self.held, "l": self.lease, "u": self.user}
        own = {"n": self.windows, "m": self.model, **({"b": self.beside} if self.beside else {})}
        return short | (own if self.windows else {})


@dataclass(frozen=True, slots=True)
class Trace:
    """Of a hold that is over, as stored: what was booked for it, and until when this is remembered."""

    booked: int
    until: int
    user: str

    @classmethod
    def of(cls, item: table.Item | None, call_id: str) -> Trace | None:
        found = (item or {}).get("ended", {}).get(call_id)
        return None if found is None else cls(found["b"], found["l"], found["u"])

    @property
    def stored(self) -> dict[str, Any]:
        return {"b": self.booked, "l": self.until, "u": self.user}


def settle(
    window: Window,
    call_id: str,
    entry: Entry,
    cost: int,
    deadline: Deadline,
    *,
    counted: tuple[int, int] | None = None,
    trace: bool = False,
) -> table.Item:
    """End a hold: book `cost`, give back the rest. Raises Gone when it is not open as `entry` says, StoreUnavailable.

    A cost above the hold is the truth and is booked; the excess is counted as `overrun`. `counted` (a minute, and the
    tokens counted in it) takes the call out of its key's rates: it was not admitted after all. `trace`: leave one.
    """
    back, over = entry.held - cost, max(cost - entry.held, 0)
    values: dict[str, Any] = {":back": back, ":held": entry.held, ":cost": cost, ":over": over, **_expected(entry)}
    change = "SET #remaining = #remaining + :back, #held = #held - :held, #spent = #spent + :cost"
    change += ", #overrun = #overrun + :over"
    names = {"#id": call_id}
    if counted:
        names["#minute"], values[":tokens"], values[":one"] = str(counted[0]), counted[1], 1
        for name, less in (("requests", ":one"), ("tokens", ":tokens")):
            change += f", #{name}.#minute = if_not_exists(#{name}.#minute, {less}) - {less}"
    if trace:
        change += ", #ended.#id = :trace"
        values[":trace"] = Trace(cost, int(time.time()) + TRACE_SECONDS, entry.user).stored
    try:
        return update(window.write(f"{change} REMOVE #holds.#id", _EXPECTED, values, names), deadline)
    except ConditionFailed as failure:
        raise Gone(Entry.of(failure.item, call_id), Trace.of(failure.item, call_id)) from failure


def amend(window: Window, call_id: str, trace: Trace, cost: int, deadline: Deadline) -> None:
    """Book the difference to the truth, and forget the trace. Nothing happens when it is another by now.

    Raises StoreUnavailable.
    """
    change = "SET #remaining = #remaining - :more, #spent = #spent + :more REMOVE #ended.#id"
    values = {":more": cost - trace.booked, ":b": trace.booked, ":l": trace.until}
    condition = "#ended.#id.b = :b AND #ended.#id.l = :l"
    with suppress(ConditionFailed):
        update(window.write(change, condition, values, {"#id": call_id}), deadline)


def remembered(window: Window, call_id: str) -> Write:
    """A step of a transaction: what is booked for this call can still be amended."""
    return window.write("", "attribute_exists(#holds.#id) OR attribute_exists(#ended.#id)", {}, {"#id": call_id})


def forbid(window: Window, call_id: str, user: str, deadline: Deadline) -> Entry | None:
    """End a hold that may still arrive; it is given back if it has. Raises Gone, with a trace, and StoreUnavailable."""
    change, condition = "SET #ended.#id = :trace, #open = :open", "attribute_not_exists(#holds.#id)"
    condition += " AND attribute_not_exists(#ended.#id)"  # what the sweeper has booked is not forgotten
    trace = Trace(0, int(time.time()) + TRACE_SECONDS, user)
    write = window.write(change, condition, {":trace": trace.stored, ":open": OPEN}, {"#id": call_id})
    try:
        update(write, deadline)
    except ConditionFailed as failure:
        found = Entry.of(failure.item, call_id)
        if found is None:
            raise Gone(trace=Trace.of(failure.item, call_id)) from failure
        return found
    return None


def claim(window: Window, call_id: str, entry: Entry, until: int, deadline: Deadline) -> Entry:
    """Take over a hold whose caller is thought dead: with another lease, so that the caller cannot end it any more.

    Raises Gone when it is not open as `entry` says, StoreUnavailable.
    """
    claimed = replace(entry, lease=until)
    values = {":until": until, **_expected(entry)}
    try:
        update(window.write("SET #holds.#id.l = :until", _EXPECTED, values, {"#id": call_id}), deadline)
    except ConditionFailed as failure:
        found = Entry.of(failure.item, call_id)
        if found != claimed:  # else our own write, whose answer was lost
            raise Gone(found, Trace.of(failure.item, call_id)) from failure
    return claimed


def extend(window: Window, call_id: str, entry: Entry, more: int, deadline: Deadline, *, cap: int = UNLIMITED) -> Entry:
    """Hold `more` nano-USD as well (less, below zero). Raises ConditionFailed when it does not fit, Gone,
    StoreUnavailable.

    A closed shard may have something left while all together owe: nothing grows there. `cap`: nano-USD that all calls
    of the account may hold together; one alone may hold more, else it could never be asked.
    """
    wider = replace(entry, held=entry.held + more)
    values = {":more": more, ":new": wider.held, **_expected(entry)}
    change = "SET #remaining = #remaining - :more, #held = #held + :more, #holds.#id.e = :new"
    fits = _EXPECTED
    if more > 0:
        fits += " AND #remaining >= :more AND attribute_not_exists(#closed) AND (#held = :e OR #held <= :room)"
        values[":room"] = cap - more
    try:
        update(window.write(change, fits, values, {"#id": call_id}), deadline)
    except ConditionFailed as failure:
        found = Entry.of(failure.item, call_id)
        if found is None or found.lease != entry.lease:
            raise Gone(found) from failure
        if found != wider:  # else our own write, whose answer was lost
            raise
    return wider


_EXPECTED = "#holds.#id.e = :e AND #holds.#id.l = :l"


def _expected(entry: Entry) -> dict[str, int]:
    return {":e": entry.held, ":l": entry.lease}
