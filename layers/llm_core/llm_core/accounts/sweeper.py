"""Calls whose caller died: finished by their usage rows, or, where nobody saw the end, at the most they can have cost.

The usage row decides: it is written once, by the caller or by us, and every window is settled by what the rows say.
Beside that, changes of limits that were not told to every key are told on (limits.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from llm_core import ledger
from llm_core.accounts import endings, limits, steps, window
from llm_core.accounts.steps import Entry, Gone, Trace
from llm_core.accounts.window import OPEN, Window
from llm_core.aws import table
from llm_core.aws.table import Item
from llm_core.aws.telemetry import logger
from llm_core.aws.writes import ConditionFailed, update
from llm_core.deadline import Deadline
from llm_core.errors import NotFound
from llm_core.ledger import Written
from llm_core.settings import settings

_MINUTES_KEPT = 2
_SECONDS_TO_TIDY = 1.0

LATE_SECONDS = 300
"""The index is a moment late: a call of which it may hide a window is not judged before so long after its lease."""


@dataclass(slots=True)
class Count:
    """What one sweep did: windows looked at, calls finished by their rows, by an estimate, or as never begun, limits
    told on, and whatever could not be dealt with this time."""

    windows: int = 0
    finished: int = 0
    estimated: int = 0
    abandoned: int = 0
    told: int = 0
    failed: int = 0


@dataclass(slots=True)
class Found:
    """Of one call: its open holds, and the traces it left."""

    open: dict[Window, Entry] = field(default_factory=dict)
    traces: dict[Window, Trace] = field(default_factory=dict)

    def look(self, place: Window, item: Item, call_id: str) -> None:
        """Take down what this window has of the call."""
        if entry := Entry.of(item, call_id):
            self.open[place] = entry
        if trace := Trace.of(item, call_id):
            self.traces[place] = trace


def sweep(now: float, deadline: Deadline) -> Count:
    """Finish every hold whose lease is over (`now`: epoch seconds). Raises StoreUnavailable, and is then run again."""
    count = Count()
    calls: dict[str, Found] = defaultdict(Found)
    looked: dict[Window, Item] = {}
    for key in _listed(OPEN):
        with _alone(count, "window", key):
            place = window.parsed(key)
            if (item := place.read()) is not None:
                looked[place] = item
                for call_id in {*item["holds"], *item["ended"]}:
                    calls[call_id].look(place, item, call_id)
    count.windows = len(looked)
    for call_id, found in calls.items():
        with _alone(count, "call", call_id):
            _call(call_id, found, now, deadline, count)
    for name in _listed(limits.TELLING):
        with _alone(count, "account", name):
            limits.tell_below(name, now, deadline)
            count.told += 1
    for place, item in looked.items():
        with _alone(count, "window", place.name):
            _tidy(place, item, now, Deadline.after(min(_SECONDS_TO_TIDY, deadline.left)))
    return count


@contextmanager
def _alone(count: Count, what: str, name: str) -> Iterator[None]:
    """Whatever is wrong with one window or call must not keep all others."""
    try:
        yield
    except Exception:  # noqa: BLE001 - it is told, and the next sweep meets it again
        count.failed += 1
        logger.exception("not swept", extra={"event": "sweep_failed", what: name})


def _listed(mark: str) -> list[str]:
    return [key["userId"] for key in table.listed(settings().need("budgets_table_name"), OPEN, mark)]


def _call(call_id: str, found: Found, now: float, deadline: Deadline, count: Count) -> None:
    if any(entry.lease < now for entry in found.open.values()):
        _finish(call_id, found.open, now, deadline, count)
    for place, trace in found.traces.items():
        if trace.until < now:
            steps.amend(place, call_id, trace, _cost(_rows(trace.user, call_id)), deadline)


def _finish(call_id: str, entries: dict[Window, Entry], now: float, deadline: Deadline, count: Count) -> None:
    """By its rows, if they say how it ended; else it is taken over, so that its caller cannot end it, and estimated."""
    user = next(iter(entries.values())).user
    own = next((place for place, entry in entries.items() if entry.windows), None)
    rows = _rows(user, call_id)
    if endings.ended(rows):
        count.finished += 1
    elif own:
        held = entries[own]
        if held.lease >= now:
            return  # another sweep has taken it over
        if len(entries) < held.windows and not _looked(call_id, own, entries) and now < held.lease + LATE_SECONDS:
            return
        try:
            entries[own] = steps.claim(own, call_id, held, int(now) + steps.LEASE_SECONDS, deadline)
        except Gone as gone:
            if gone.found:  # its caller lives, or another sweep was faster
                return
        else:
            _estimate(call_id, own, entries, rows, count)
        rows = _rows(user, call_id)
    elif any(now < entry.lease + LATE_SECONDS for entry in entries.values()):
        return
    for place, entry in entries.items():
        if entry.lease < now or place == own:
            with suppress(Gone):
                steps.settle(place, call_id, entry, _cost(rows), deadline, trace=True)


def _estimate(call_id: str, own: Window, entries: Mapping[Window, Entry], rows: Sequence[Item], count: Count) -> None:
    """Write the row of the attempt whose end nobody saw: all that is held everywhere and not yet accounted for."""
    seen = len(entries) >= entries[own].windows
    most = min(each.held for each in entries.values())  # one may have been about to be extended
    charged = max(most - _cost(rows), 0) if seen else None
    row = endings.row(call_id, own, entries[own], len(rows) + 1, charged=charged, swept=True)
    try:
        ledger.record(row)
    except Written:  # the caller lives, or another sweep is at work
        count.finished += 1
    else:
        count.estimated, count.abandoned = count.estimated + seen, count.abandoned + (not seen)
        logger.warning("call swept", extra={"event": "call_swept", "call": call_id, "outcome": row.outcome})


def _looked(call_id: str, own: Window, entries: dict[Window, Entry]) -> bool:
    """An index that is late must not make a call free, so the other windows that the key's own names are read
    themselves, and what they hold is added to `entries`. Whether these are all that the call can hold in: what pays
    beside the key's line is not named there."""
    entry = entries[own]
    chain = (own.read() or {}).get("chain", [])
    moments = (ledger.parsed(call_id)[1], entry.lease)  # a hold is taken in between
    for payer in chain:
        for label in {window.label(payer["kind"], moment) for moment in moments}:
            for place in (Window(payer["account"], label, shard) for shard in range(payer["shards"])):
                if place not in entries and (other := Entry.of(place.read(), call_id)):
                    entries[place] = other
    return not entry.beside


def _cost(rows: Sequence[Item]) -> int:
    """What the call was charged, in nano-USD."""
    return sum(row["charged"] for row in rows)


def _rows(user: str, call_id: str) -> list[Item]:
    try:
        return ledger.attempts(user, call_id)
    except NotFound:
        return []


def _tidy(place: Window, item: Item, now: float, deadline: Deadline) -> None:
    """Leave the index when nothing is open, and forget the counts of minutes that are over."""
    over = [minute for minute in item.get("requests", {}) if int(minute) < now // 60 - _MINUTES_KEPT]
    gone = [f"#{counts}.#m{n}" for n in range(len(over)) for counts in ("requests", "tokens")]
    names = {f"#m{n}": minute for n, minute in enumerate(over)}
    idle = not item["holds"] and not item["ended"]
    if idle:
        gone.append("#open")
    if gone:
        condition = "size(#holds) = :none AND size(#ended) = :none" if idle else ""
        values = {":none": 0} if idle else {}
        try:
            update(place.write("REMOVE " + ", ".join(gone), condition, values, names), deadline)
        except ConditionFailed:
            return  # in use again
