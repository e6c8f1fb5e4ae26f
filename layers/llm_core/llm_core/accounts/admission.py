"""May this call hold its ceiling in this window? One conditional write says yes, and its refusal says why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llm_core import ledger
from llm_core.accounts import endings, opening, refusals
from llm_core.accounts.steps import Entry, Gone, amend, forbid, settle
from llm_core.accounts.window import OPEN, UNLIMITED, Window
from llm_core.aws.table import Item
from llm_core.aws.writes import ConditionFailed, Write, update
from llm_core.deadline import Deadline
from llm_core.errors import BudgetExceeded, BudgetHeld, LedgerUnavailable, RateLimited, StoreUnavailable
from llm_core.money import plain

OPEN_HOLDS = 100
"""Calls in flight per key."""

_TRIES = 5
_SECONDS_TO_GIVE_BACK = 3.0

_BUDGET = "SET #remaining = #remaining - :amount, #held = #held + :amount, #holds.#id = :entry, #open = :open"
_ANEW = "attribute_not_exists(#holds.#id) AND attribute_not_exists(#ended.#id)"
_FITS = f"{_ANEW} AND #remaining >= :amount AND attribute_not_exists(#closed)"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a call asks of every window: to hold `amount` nano-USD until `lease`. `now`: epoch seconds.

    `also`: accounts that pay beside the key's own line, each in its one window `total`.
    """

    call_id: str
    amount: int
    user: str
    lease: int
    now: float
    also: tuple[str, ...] = ()

    @property
    def minute(self) -> int:
        return int(self.now // 60)


@dataclass(frozen=True, slots=True)
class Rates:
    """A key's limits per minute, None for none, and the tokens that this call counts for."""

    requests: int | None = None
    tokens: int | None = None
    counted: int = 0

    @property
    def limited(self) -> bool:
        return self.requests is not None or self.tokens is not None

    def counts(self, wanted: Wanted) -> tuple[int, int] | None:
        """The minute in which this call is counted, and its tokens; None where nothing is."""
        return (wanted.minute, self.counted) if self.limited else None


def hold(window: Window, wanted: Wanted, deadline: Deadline) -> Item:
    """Hold it in a window above the key's. Raises BudgetExceeded, BudgetHeld, StoreUnavailable."""
    entry = Entry(wanted.amount, wanted.lease, wanted.user)
    write = window.write(_BUDGET, _fits(wanted), _values(wanted, entry), {"#id": wanted.call_id})
    for _ in range(_TRIES):
        try:
            return update(write, deadline, again=False)
        except StoreUnavailable:
            _give_back(window, wanted, entry)
            raise
        except ConditionFailed as failure:
            if failure.item is None:
                opening.begin(window.account, window.label, deadline)
            else:
                raise _unaffordable(window, failure.item, wanted) from failure
    raise refusals.busy()


_known: dict[str, tuple[int, int]] = {}
"""Of each key's window: how many others are held with it, and the most it may hold. Checked by the write itself."""


def hold_own(window: Window, wanted: Wanted, rates: Rates, model: str, deadline: Deadline) -> Item:
    """Hold it in the key's own window, where the minute's requests and tokens are counted in the same write.

    Raises BudgetExceeded, BudgetHeld, RateLimited, StoreUnavailable.
    """
    if rates.tokens is not None and rates.counted > rates.tokens:
        raise _never_fast_enough(rates)
    for _ in range(_TRIES):
        others, cap = _known.get(window.name, (0, UNLIMITED))
        windows = 1 + others + len(wanted.also)
        entry = Entry(wanted.amount, wanted.lease, wanted.user, windows, model, len(wanted.also))
        try:
            item = update(_own(window, wanted, rates, entry, cap), deadline, again=False)
        except StoreUnavailable:
            _give_back(window, wanted, entry, rates)
            raise
        except ConditionFailed as failure:
            if failure.item is None:
                opening.begin(window.account, window.label, deadline)
                continue
            found = len(failure.item["chain"]), failure.item["heldCap"]
            if found == (others, cap):
                raise _why(window, failure.item, wanted, rates) from failure
            _remember(window.name, found)
        else:
            return item
    raise refusals.busy()


def _own(window: Window, wanted: Wanted, rates: Rates, entry: Entry, cap: int) -> Write:
    change = _BUDGET
    condition = f"{_fits(wanted)} AND size(#holds) < :many AND size(#chain) = :others AND #heldCap = :cap"
    values = _values(wanted, entry) | {
        ":many": OPEN_HOLDS,
        ":others": entry.windows - 1 - len(wanted.also),
        ":cap": cap,
    }
    names = {"#id": wanted.call_id}
    if wanted.amount:
        values |= {":none": 0, ":room": cap - wanted.amount}
        condition += " AND (#held = :none OR #held <= :room)"
    if rates.limited:
        names["#minute"] = str(wanted.minute)
        values |= {":nothing": 0, ":one": 1, ":counted": rates.counted}
        change += ", #requests.#minute = if_not_exists(#requests.#minute, :nothing) + :one"
        change += ", #tokens.#minute = if_not_exists(#tokens.#minute, :nothing) + :counted"
    if rates.requests is not None:
        values[":requests"] = rates.requests
        condition += " AND (attribute_not_exists(#requests.#minute) OR #requests.#minute < :requests)"
    if rates.tokens is not None:
        values[":left"] = rates.tokens - rates.counted
        condition += " AND (attribute_not_exists(#tokens.#minute) OR #tokens.#minute <= :left)"
    return window.write(change, condition, values, names)


def _give_back(window: Window, wanted: Wanted, entry: Entry, rates: Rates = Rates()) -> None:
    """The write may have been carried out and its answer lost, or be carried out later: neither shall hold anything.

    Where this fails too, the sweeper does it. Where the sweeper was faster, it has booked what nobody asked for.
    """
    try:
        _given_back(window, wanted, rates, Deadline.after(_SECONDS_TO_GIVE_BACK))
    except (LedgerUnavailable, StoreUnavailable):
        if entry.windows:  # without the key's own window a hold is incomplete, and free in any case
            endings.abandon(wanted.call_id, window, entry, attempts=0)


def _given_back(window: Window, wanted: Wanted, rates: Rates, deadline: Deadline) -> None:
    try:
        found = forbid(window, wanted.call_id, wanted.user, deadline)
        if found is not None and found.lease != wanted.lease:
            raise refusals.busy()  # a sweeper has taken it over
        if found is not None:
            settle(window, wanted.call_id, found, 0, deadline, counted=rates.counts(wanted), trace=True)
    except Gone as gone:
        if gone.trace and gone.trace.booked:
            ledger.undo_estimates(wanted.user, wanted.call_id)
            amend(window, wanted.call_id, gone.trace, 0, deadline)


def _fits(wanted: Wanted) -> str:
    """What is free is not refused by money, even where a lowered limit owes."""
    return _FITS if wanted.amount else f"attribute_exists(#userId) AND {_ANEW}"


def _values(wanted: Wanted, entry: Entry) -> dict[str, Any]:
    return {":amount": wanted.amount, ":entry": entry.stored, ":open": OPEN}


def _remember(name: str, found: tuple[int, int]) -> None:
    if len(_known) > 10_000:
        _known.clear()
    _known[name] = found


def _why(window: Window, item: Item, wanted: Wanted, rates: Rates) -> BudgetExceeded | RateLimited | StoreUnavailable:
    """The reason that the item itself tells for refusing."""
    minute, wait = str(wanted.minute), 60 - wanted.now % 60
    if rates.requests is not None and item["requests"].get(minute, 0) >= rates.requests:
        return refusals.too_fast(f"This key may make {rates.requests} requests a minute.", wait)
    if rates.tokens is not None and item["tokens"].get(minute, 0) + rates.counted > rates.tokens:
        words = f"This key may use {rates.tokens} tokens a minute, and this request may take {rates.counted}."
        return refusals.too_fast(words, wait)
    if len(item["holds"]) >= OPEN_HOLDS:
        return refusals.too_fast(f"This key has {OPEN_HOLDS} calls in flight, which is all it may have.", 1)
    if item["remaining"] >= wanted.amount and item["held"] > item["heldCap"] - wanted.amount:
        held, most = plain(item["held"]), plain(item["heldCap"])
        return BudgetHeld(f"This key's calls in flight hold {held} USD of the {most} they may. Wait for one to end.")
    if item["remaining"] < wanted.amount:
        return refusals.unaffordable(window, item["limit"], item["remaining"], item["held"], wanted.amount, own=True)
    return refusals.busy()


def _unaffordable(window: Window, item: Item, wanted: Wanted) -> BudgetExceeded | BudgetHeld:
    return refusals.unaffordable(window, item["limit"], item["remaining"], item["held"], wanted.amount)


def _never_fast_enough(rates: Rates) -> RateLimited:
    words = f"This key may use {rates.tokens} tokens a minute, and this request alone may take {rates.counted}."
    error = RateLimited(f"{words} Send less, or ask for a shorter answer.")
    error.retryable = False
    return error
