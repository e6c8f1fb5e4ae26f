"""One call's hold on every account that pays for it: taken before any provider is asked, settled on every way out.

The key's own window is taken first and says which others there are; a refusal gives back what was taken. Each step is
idempotent, so whoever dies in between is finished by the sweeper (sweeper.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from llm_core.accounts import admission, endings, refusals, shards, steps, window
from llm_core.accounts.admission import Rates, Wanted
from llm_core.accounts.steps import Entry, Gone, Trace
from llm_core.accounts.window import UNLIMITED, Window
from llm_core.aws.table import Item
from llm_core.aws.telemetry import logger
from llm_core.aws.writes import ConditionFailed, Write
from llm_core.deadline import Deadline
from llm_core.errors import DreyError, StoreUnavailable

_SECONDS_TO_SETTLE = 3.0


@dataclass(frozen=True, slots=True)
class Balance:
    """The tightest limit as it stood when the call was admitted: nano-USD, and when its next window begins."""

    limit: int
    remaining: int
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Minute:
    """What a key has asked for in this minute, and the seconds until the next."""

    requests: int
    tokens: int
    reset_s: int


@dataclass(slots=True)
class Hold:
    """`open` has the entry in each window, the key's own first; after a settle, those that it did not reach.

    `cap`: nano-USD that all calls of that key may hold together.
    """

    call_id: str
    user: str
    open: dict[Window, Entry] = field(default_factory=dict)
    balance: Balance | None = None
    minute: Minute | None = None
    cap: int = UNLIMITED

    @property
    def amount(self) -> int:
        """nano-USD that are held in every window."""
        return min((entry.held for entry in self.open.values()), default=0)

    @property
    def remembered(self) -> list[Write]:
        """Steps of a transaction: every window still has this call's hold, or the trace of what was booked for it."""
        return [steps.remembered(place, self.call_id) for place in self.open]

    def extend(self, more: int, deadline: Deadline) -> None:
        """Hold `more` nano-USD in every window, or change nothing.

        Raises BudgetExceeded or BudgetHeld when it does not fit, StoreUnavailable.
        """
        wider: dict[Window, Entry] = {}
        try:
            for place, entry in self.open.items():
                cap = self.cap if entry.windows else UNLIMITED
                wider[place] = steps.extend(place, self.call_id, entry, more, deadline, cap=cap)
        except (DreyError, Gone) as failure:
            self._narrow(wider, more)
            if isinstance(failure, ConditionFailed) and failure.item is not None:
                limit, left, held = (failure.item[name] for name in ("limit", "remaining", "held"))
                raise refusals.unaffordable(place, limit, left, held, more, own=bool(entry.windows)) from failure
            if isinstance(failure, Gone | ConditionFailed):
                raise StoreUnavailable("This call's hold has expired, so nobody else is asked.") from failure
            raise
        self.open = wider

    def _narrow(self, wider: dict[Window, Entry], less: int) -> None:
        """Give back an extension that did not fit everywhere; where that fails, the settle does it."""
        for place, entry in wider.items():
            deadline = Deadline.after(_SECONDS_TO_SETTLE)
            try:
                self.open[place] = steps.extend(place, self.call_id, entry, -less, deadline)
            except (StoreUnavailable, Gone):
                self.open[place] = entry

    def settle(self, cost: int, counted: tuple[int, int] | None = None) -> dict[Window, Trace]:
        """Book what the call was charged, in every window. Where the sweeper did it before, the traces of that.

        The key's own window decides: once it is settled no sweeper writes an estimate any more, and where a sweeper has
        taken it over, it ends them all. Nothing here can take the answer back, so trouble is logged and left to the
        sweeper. `counted`: steps.settle.
        """
        traces: dict[Window, Trace] = {}
        left = dict(self.open)
        for place, entry in self.open.items():
            try:
                trace = self._settle(place, entry, cost, counted if entry.windows else None)
            except (StoreUnavailable, Gone):
                logger.exception("hold not settled", extra={"event": "settle_delayed", "window": place.name})
                if entry.windows:
                    break
            else:
                del left[place]
                traces |= {place: trace} if trace else {}
        self.open = left
        return traces

    def abandon(self, attempts: int) -> None:
        """After a settle: what it did not reach is not booked at all that is held, because nobody else is asked."""
        for place, entry in self.open.items():
            if entry.windows:
                endings.abandon(self.call_id, place, entry, attempts)

    def _settle(self, place: Window, entry: Entry, cost: int, counted: tuple[int, int] | None) -> Trace | None:
        """Raises Gone when the sweeper has taken it over, StoreUnavailable."""
        deadline = Deadline.after(_SECONDS_TO_SETTLE)
        try:
            steps.settle(place, self.call_id, entry, cost, deadline, counted=counted)
        except Gone as gone:
            if gone.found is None:
                return gone.trace  # without one it was our own settle, whose answer was lost
            if gone.found.lease != entry.lease:
                raise
            with suppress(Gone):  # our own extension, whose answer was lost
                steps.settle(place, self.call_id, gone.found, cost, deadline)
        return None


def take(account: str, wanted: Wanted, rates: Rates, model: str, deadline: Deadline) -> Hold:
    """Hold `wanted` in every window that pays for a call of this key's account.

    Raises BudgetExceeded, BudgetHeld, RateLimited or StoreUnavailable; then nothing is held.
    """
    hold = Hold(wanted.call_id, wanted.user)
    own = Window(account, window.label("month", wanted.now))
    try:
        item = admission.hold_own(own, wanted, rates, model, deadline)
        _took(hold, own, item)
        hold.cap = item["heldCap"]
        for payer in [*item["chain"], *({"account": name, "kind": "total", "shards": 1} for name in wanted.also)]:
            label = window.label(payer["kind"], wanted.now)
            place, taken = shards.hold(payer["account"], label, payer["shards"], wanted, deadline)
            _took(hold, place, taken)
    except BaseException:
        hold.settle(0, rates.counts(wanted))
        hold.abandon(attempts=0)
        raise
    hold.minute = _minute(item, wanted)
    return hold


def count(account: str, wanted: Wanted, rates: Rates, deadline: Deadline) -> Hold | None:
    """Count a request that costs nothing, such as a cached answer, against its key's minute; None without such limits.

    No other account is asked. Raises RateLimited, StoreUnavailable.
    """
    if not rates.limited:
        return None
    hold = Hold(wanted.call_id, wanted.user)
    own = Window(account, window.label("month", wanted.now))
    item = admission.hold_own(own, wanted, rates, "", deadline)
    _took(hold, own, item)
    hold.minute = _minute(item, wanted)
    hold.settle(0)
    return hold


def lease(deadline: Deadline, now: float) -> int:
    """Until when a call with this deadline holds, in epoch seconds."""
    return int(now + max(deadline.left, 0)) + steps.LEASE_SECONDS


def _took(hold: Hold, place: Window, item: Item) -> None:
    entry = Entry.of(item, hold.call_id)
    assert entry is not None  # noqa: S101 - it was just written
    hold.open[place] = entry
    hold.balance = _tightest(filter(None, (hold.balance, _balance(place, item))))


def _balance(place: Window, item: Item) -> Balance | None:
    if item["limit"] >= UNLIMITED // 2:
        return None
    return Balance(item["limit"], item["remaining"], place.end)


def _tightest(balances: Iterable[Balance]) -> Balance | None:
    return min(balances, key=lambda balance: balance.remaining, default=None)


def _minute(item: Item, wanted: Wanted) -> Minute:
    minute = str(wanted.minute)
    requests, tokens = (item[name].get(minute, 0) for name in ("requests", "tokens"))
    return Minute(requests, tokens, 60 - int(wanted.now) % 60)
