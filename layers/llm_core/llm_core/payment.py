"""What one call may spend: the caller's own word (`x-drey-max-cost-usd`) and the hold on the accounts that pay.

Attempts are money: another one is made only if everything known, everything unseen and its own ceiling are covered.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from llm_core import ledger
from llm_core.accounts import holds, steps
from llm_core.accounts.admission import Rates, Wanted
from llm_core.accounts.holds import Hold
from llm_core.aws import tracing
from llm_core.aws.telemetry import logger
from llm_core.callers import Caller
from llm_core.catalog import Model
from llm_core.deadline import Deadline
from llm_core.errors import BudgetExceeded, BudgetHeld, DreyError, LedgerUnavailable, StoreUnavailable
from llm_core.failures import ProviderUnaffordable
from llm_core.ledger import Row, Written
from llm_core.money import plain
from llm_core.settings import settings


@dataclass(frozen=True, slots=True)
class Allowance:
    """`most` is nano-USD as charged, markup included; None allows anything."""

    most: int | None = None

    def affordable(self, models: list[Model], charge: Callable[[Model], int]) -> list[Model]:
        """The candidates that cannot cost more. Raises BudgetExceeded when not even the first is one."""
        if self.most is None:
            return models
        if (most := charge(models[0])) > self.most:
            refused = BudgetExceeded(self.words(most))
            refused.details = {"required": plain(most), "limit": plain(self.most)}
            raise refused
        return [model for model in models if charge(model) <= self.most]

    def words(self, charge: int) -> str:
        return (
            f"With this it may cost up to {plain(charge)} USD, and x-drey-max-cost-usd allows {plain(self.most or 0)}."
        )


@dataclass(slots=True)
class Payment:
    """Of one call. `rows` are its attempts so far, each recorded before anybody saw its answer."""

    allowance: Allowance
    hold: Hold
    rows: list[Row] = field(default_factory=list)
    _owed: bool = False
    """Somebody is asked and the row is not written. If it never is, the hold stays, and the sweeper books it."""
    _swept: bool = False
    """The sweeper took this call for dead: its hold is no more, so what is asked now could become free."""

    @property
    def charged(self) -> int:
        """nano-USD that the caller pays for all attempts so far."""
        return sum(row.charged for row in self.rows)

    def cover(self, charge: int, model: Model, deadline: Deadline) -> None:
        """Make sure of the money for another attempt that may be charged this much, in nano-USD.

        Raises ProviderUnaffordable: this candidate is passed over, and what others said is told. StoreUnavailable.
        """
        if self._swept:
            raise StoreUnavailable("This call's hold has expired, so nobody else is asked.")
        needed = self.charged + charge
        if self.allowance.most is not None and needed > self.allowance.most:
            raise ProviderUnaffordable(self.allowance.words(needed), provider=model.provider)
        if (more := needed - self.hold.amount) > 0:
            try:
                self.hold.extend(more, deadline)
            except (BudgetExceeded, BudgetHeld) as refusal:
                raise ProviderUnaffordable(refusal.message, provider=model.provider) from refusal

    def asking(self) -> None:
        """From here on an attempt may be billed, until its row is written or it turns out that nobody was asked."""
        self._owed = True

    def not_asked(self) -> None:
        self._owed = False

    @tracing.span("book")
    def record(self, row: Row) -> None:
        """Write the attempt's row. A caller that comes back late puts the truth in the place of the sweeper's estimate.

        Raises LedgerUnavailable.
        """
        self._owed = True
        try:
            ledger.record(row)
        except Written as there:
            if not there.swept:
                raise ledger.lost(row) from there
            self._swept = True
            ledger.correct(row, there.version, self.hold.remembered)
        self._owed = False
        self.rows.append(row)

    def tell(self, error: DreyError) -> None:
        """Let a failure say what it is charged, as `cost`; while that is not known, all that is held, `estimated`."""
        if self._owed:
            error.details = {**error.details, "cost": plain(max(self.hold.amount, self.charged)), "estimated": True}
        elif self.charged:
            error.details = {**error.details, "cost": plain(self.charged)}

    @tracing.span("settle")
    def settle(self) -> None:
        """Book what was charged. An estimate that the sweeper wrote of an attempt that never was is undone."""
        if self._owed:
            return
        traces = self.hold.settle(self.charged)
        if not self.rows or self.rows[-1].outcome != "ok":
            self.hold.abandon(len(self.rows))
        if not traces:
            return
        try:
            ledger.undo_estimates(self.hold.user, self.hold.call_id)
            for place, trace in traces.items():
                steps.amend(place, self.hold.call_id, trace, self.charged, Deadline.after(_SECONDS_TO_AMEND))
        except (StoreUnavailable, LedgerUnavailable):
            logger.exception("estimate not undone", extra={"event": "settle_delayed", "call": self.hold.call_id})


_SECONDS_TO_AMEND = 3.0


@tracing.span("hold")
def take(
    caller: Caller, call_id: str, charge: int, tokens: int, kind: str, allowance: Allowance, deadline: Deadline
) -> Payment:
    """Hold `charge` nano-USD on every account that pays for this caller. `kind`: operation and model, for the sweeper.

    Raises BudgetExceeded, BudgetHeld, RateLimited, StoreUnavailable; then nothing is held.
    """
    settings().need("usage_table_name")  # before anything is held: what cannot be written down must not be asked
    now = time.time()
    wanted = _wanted(caller, call_id, charge, deadline, now)
    rates = Rates(caller.requests_per_minute, caller.tokens_per_minute, tokens)
    return Payment(allowance, holds.take(caller.account, wanted, rates, kind, deadline))


def count(caller: Caller, call_id: str, deadline: Deadline) -> Payment | None:
    """A call that costs nothing counts as a request of its key's minute all the same; None where nothing is limited.

    Raises RateLimited, StoreUnavailable.
    """
    now = time.time()
    wanted = _wanted(caller, call_id, 0, deadline, now)
    rates = Rates(caller.requests_per_minute, caller.tokens_per_minute)
    hold = holds.count(caller.account, wanted, rates, deadline)
    return Payment(Allowance(), hold) if hold else None


def _wanted(caller: Caller, call_id: str, charge: int, deadline: Deadline, now: float) -> Wanted:
    also = (f"run:{caller.run}",) if caller.run else ()
    return Wanted(call_id, charge, caller.user_id, holds.lease(deadline, now), now, also)
