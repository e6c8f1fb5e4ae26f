"""One account in one window: what it may spend, holds and has spent. One item, one conditional write a step.

    limit == remaining + held + spent       at every instant, in nano-USD

The window is in the key (`user:ada#2026-11#0`), so nothing is ever reset. Every open hold is an entry of the map
`holds`: call id -> `e` estimated and held, `b` booked already, `l` lease (epoch seconds), `u` user; the entry on the
key's own window also has `n`, the number of windows held, and `m`, the model. Names are short because each write is
billed by the size of the item.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from llm_core.aws import table
from llm_core.aws.writes import ConditionFailed, Write, update
from llm_core.deadline import Deadline
from llm_core.settings import settings

UNLIMITED = 10**18
"""nano-USD: a billion USD stands for no limit, so that no condition needs a second form."""

Kind = Literal["month", "day", "total"]

OPEN = "open"
"""Index of the windows that may have open holds: what the sweeper reads instead of the table."""

_KEPT_DAYS = {"month": 400, "day": 40}
"""After its end. A total has none and is kept for ever: a new one would begin with nothing spent."""


class Gone(Exception):
    """This call has no such open hold here: it was settled, by us or by the sweeper; or, in `found`, another one."""

    def __init__(self, found: Entry | None = None) -> None:
        super().__init__()
        self.found = found


@dataclass(frozen=True, slots=True)
class Window:
    """`label` is `2026-11`, `2026-11-20` (UTC) or `total`."""

    account: str
    label: str
    shard: int = 0

    @property
    def name(self) -> str:
        return f"{self.account}#{self.label}#{self.shard}"

    @property
    def kind(self) -> Kind:
        return "total" if self.label == "total" else "month" if len(self.label) == 7 else "day"

    @property
    def end(self) -> datetime | None:
        """When the next window begins; None if never."""
        if self.kind == "total":
            return None
        if self.kind == "day":
            return _day(self.label) + timedelta(days=1)
        first = _day(f"{self.label}-01")
        return (first + timedelta(days=32)).replace(day=1)

    def item(self, limit: int, **more: Any) -> table.Item:
        """As it is created: nothing held, nothing spent."""
        expires = self.end and self.end + timedelta(days=_KEPT_DAYS[self.kind])
        return {
            "userId": self.name,
            "account": self.account,
            "window": self.label,
            "shard": self.shard,
            "limit": limit,
            "remaining": limit,
            "held": 0,
            "spent": 0,
            "overrun": 0,
            "holds": {},
            **({"ttl": int(expires.timestamp())} if expires else {}),
            **more,
        }

    def read(self) -> table.Item | None:
        """Consistently. Raises StoreUnavailable."""
        return table.get(settings().need("budgets_table_name"), {"userId": self.name})

    def write(
        self, change: str, condition: str, values: Mapping[str, Any], names: Mapping[str, str] | None = None
    ) -> Write:
        """A conditional update of this item."""
        name = settings().need("budgets_table_name")
        return Write(name, {"userId": self.name}, change, condition, values, names or {})


def label(kind: Kind, now: float) -> str:
    """The window of a kind at a time (epoch seconds)."""
    if kind == "total":
        return "total"
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m" if kind == "month" else "%Y-%m-%d")


def parsed(name: str) -> Window:
    """The window of a name. An account's own name may hold `#` nowhere."""
    account, text, shard = name.rsplit("#", 2)
    return Window(account, text, int(shard))


@dataclass(frozen=True, slots=True)
class Entry:
    """One open hold in one window, as stored."""

    held: int
    booked: int
    lease: int
    user: str
    windows: int = 0
    model: str = ""

    @classmethod
    def of(cls, item: table.Item | None, call_id: str) -> Entry | None:
        found = (item or {}).get("holds", {}).get(call_id)
        if found is None:
            return None
        return cls(found["e"], found["b"], found["l"], found["u"], found.get("n", 0), found.get("m", ""))

    @property
    def stored(self) -> dict[str, Any]:
        short: dict[str, Any] = {"e": self.held, "b": self.booked, "l": self.lease, "u": self.user}
        return short | ({"n": self.windows, "m": self.model} if self.windows else {})


def settle(
    window: Window, call_id: str, entry: Entry, cost: int, deadline: Deadline, counted: tuple[int, int] | None = None
) -> table.Item:
    """End a hold: book `cost`, give back the rest. Raises Gone when it is not open as `entry` says, StoreUnavailable.

    A cost above the hold is the truth and is booked; the excess is counted as `overrun`. `counted` (a minute, and the
    tokens counted in it) takes the call out of its key's rates: it was not admitted after all.
    """
    values = {
        ":back": entry.held + entry.booked - cost,
        ":held": entry.held,
        ":cost": cost - entry.booked,
        ":over": max(cost - entry.held - entry.booked, 0),
        **_expected(entry),
    }
    change = (
        "SET #remaining = #remaining + :back, #held = #held - :held, #spent = #spent + :cost,"
        " #overrun = #overrun + :over"
    )
    names = {"#id": call_id}
    if counted:
        names["#minute"], values[":tokens"], values[":one"] = str(counted[0]), counted[1], 1
        for name, less in (("requests", ":one"), ("tokens", ":tokens")):
            change += f", #{name}.#minute = if_not_exists(#{name}.#minute, {less}) - {less}"
    try:
        return update(window.write(f"{change} REMOVE #holds.#id", _EXPECTED, values, names), deadline)
    except ConditionFailed as failure:
        raise Gone(Entry.of(failure.item, call_id)) from failure


def extend(window: Window, call_id: str, entry: Entry, more: int, deadline: Deadline) -> Entry:
    """Hold `more` as well (less, below zero). Raises ConditionFailed when it does not fit, Gone, StoreUnavailable.

    A closed shard may have something left while all together owe: nothing grows there.
    """
    wider = Entry(entry.held + more, entry.booked, entry.lease, entry.user, entry.windows, entry.model)
    values = {":more": more, ":new": wider.held, **_expected(entry)}
    change = "SET #remaining = #remaining - :more, #held = #held + :more, #holds.#id.e = :new"
    fits = f"{_EXPECTED} AND #remaining >= :more AND attribute_not_exists(#closed)" if more > 0 else _EXPECTED
    try:
        update(window.write(change, fits, values, {"#id": call_id}), deadline)
    except ConditionFailed as failure:
        found = Entry.of(failure.item, call_id)
        if found is None:
            raise Gone from failure
        if found != wider:  # else our own write, whose answer was lost
            raise
    return wider


def prolong(window: Window, call_id: str, lease: int, deadline: Deadline) -> Entry:
    """Give an open hold more time, so that whoever is about to sweep it does not. Raises Gone, StoreUnavailable."""
    change, condition = "SET #holds.#id.l = :lease", "attribute_exists(#holds.#id)"
    try:
        item = update(window.write(change, condition, {":lease": lease}, {"#id": call_id}), deadline)
    except ConditionFailed as failure:
        raise Gone from failure
    found = Entry.of(item, call_id)
    assert found is not None  # noqa: S101 - the condition says so
    return found


def reopen(window: Window, call_id: str, entry: Entry, deadline: Deadline) -> None:
    """An entry that holds nothing and remembers what is booked, for a truth that comes late. Raises StoreUnavailable.

    Left alone when there is one already.
    """
    change = "SET #holds.#id = :entry, #open = :open"
    condition = "attribute_exists(#userId) AND attribute_not_exists(#holds.#id)"
    values = {":entry": entry.stored, ":open": OPEN}
    try:
        update(window.write(change, condition, values, {"#id": call_id}), deadline)
    except ConditionFailed:
        return


_EXPECTED = "#holds.#id.e = :e AND #holds.#id.b = :b AND #holds.#id.l = :l"


def _expected(entry: Entry) -> dict[str, int]:
    return {":e": entry.held, ":b": entry.booked, ":l": entry.lease}


def _day(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
