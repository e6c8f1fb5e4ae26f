"""One call: who asks for what, what it may spend, and the row of each attempt at it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from llm_core import ledger, payment
from llm_core.byok import OwnKeys
from llm_core.callers import Caller
from llm_core.catalog import Model
from llm_core.deadline import Deadline
from llm_core.ledger import Row
from llm_core.money import with_markup, without_markup
from llm_core.payment import Allowance, Payment
from llm_core.settings import settings


@dataclass(slots=True)
class Call:
    """What all attempts at one request share. `prompt` is its canonical bytes, `features` what its price depends on
    beside them, `payment` is there once admitted."""

    caller: Caller
    operation: str
    requested_model: str
    prompt: bytes
    terms: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    own: OwnKeys = field(default_factory=OwnKeys)
    features: frozenset[str] = frozenset()
    id: str = field(default_factory=ledger.new_id)
    created: int = field(default_factory=lambda: int(time.time()))
    payment: Payment | None = None
    skipped_events: int = 0
    """Of the answer's stream, that nobody could read."""

    @property
    def rows(self) -> list[Row]:
        return self.payment.rows if self.payment else []

    @property
    def cost(self) -> int:
        """nano-USD that providers bill for all attempts."""
        return sum(row.cost for row in self.rows)

    @property
    def charged(self) -> int:
        """nano-USD that the caller pays for all attempts."""
        return sum(row.charged for row in self.rows)

    @property
    def provider_ms(self) -> int:
        return sum(row.latency_ms for row in self.rows)

    def charge(self, cost: int, model: Model) -> int:
        """What the caller pays for what a provider bills, nano-USD both: nothing where it bills the caller itself."""
        return 0 if model in self.own else with_markup(cost, settings().markup_percent)

    def cost_of(self, charge: int) -> int:
        """What a provider may bill so that the caller pays no more than this, nano-USD both."""
        return without_markup(charge, settings().markup_percent)

    def admit(self, model: Model, charge: int, tokens: int, allowance: Allowance, deadline: Deadline) -> None:
        """Hold the charge (nano-USD) on every account that pays. Raises as payment.take does."""
        kind = f"{self.operation} {model.name}"
        self.payment = payment.take(self.caller, self.id, charge, tokens, kind, allowance, deadline)
