"""One attempt at one candidate: one subsegment, one usage row, one `llm_call` line, whatever comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from llm_core import journal, ledger, overruns, payment, pricing
from llm_core.aws import breaker, telemetry
from llm_core.aws.stage_catalog import catalog
from llm_core.callers import Caller
from llm_core.catalog import Model
from llm_core.deadline import Deadline
from llm_core.failures import ProviderError, ProviderSkipped
from llm_core.ledger import Row
from llm_core.messages import Embeddings, Reply, Usage
from llm_core.money import with_markup, without_markup
from llm_core.payment import Allowance, Payment
from llm_core.settings import settings

Sent = Reply | Embeddings


@dataclass(slots=True)
class Call:
    """What all attempts at one request share. `prompt` is its canonical bytes, `payment` is there once admitted."""

    caller: Caller
    operation: str
    requested_model: str
    prompt: bytes
    terms: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    id: str = field(default_factory=ledger.new_id)
    created: int = field(default_factory=lambda: int(time.time()))
    payment: Payment | None = None

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

    def charge(self, cost: int) -> int:
        """What the caller pays for what a provider bills, nano-USD both."""
        return with_markup(cost, settings().markup_percent)

    def cost_of(self, charge: int) -> int:
        """What a provider may bill so that the caller pays no more than this, nano-USD both."""
        return without_markup(charge, settings().markup_percent)

    def admit(self, model: Model, charge: int, tokens: int, allowance: Allowance, deadline: Deadline) -> None:
        """Hold the charge (nano-USD) on every account that pays. Raises as payment.take does."""
        kind = f"{self.operation} {model.name}"
        self.payment = payment.take(self.caller, self.id, charge, tokens, kind, allowance, deadline)


def make[T: Sent](
    call: Call, model: Model, *, ceiling: int, first: bool, deadline: Deadline, send: Callable[[], T]
) -> T:
    """Send once and account for it before anybody sees the answer. `ceiling` is the most it can cost, in nano-USD.

    Raises ProviderError, LedgerUnavailable, or what stopped us before the provider was asked.
    """
    paying = call.payment
    assert paying is not None  # noqa: S101 - for the type checker: nobody is asked before the call is admitted
    overruns.check(model, call.operation)
    paying.cover(call.charge(ceiling), model, deadline)
    deadline.remaining()  # covering takes time, and whoever is late must not begin
    started = time.perf_counter()
    with telemetry.span(model.provider) as span:
        span.annotate(provider=model.provider, model=model.model, cached=False)
        answer, failure = _sent(model, send)
        row = _row(call, model, answer, failure, first=first, latency_ms=round((time.perf_counter() - started) * 1000))
        if failure is not None and failure.end_unknown:
            row = replace(row, cost=ceiling, charged=call.charge(ceiling), estimated=True)
        span.annotate(outcome=row.outcome, cost_nano_usd=row.cost)
    if isinstance(failure, ProviderSkipped):
        journal.skipped(row, call.prompt, failure)
        raise failure
    paying.record(row)
    if row.cost > ceiling:
        overruns.suspend(model, call.operation, ceiling=ceiling, cost=row.cost)
    if failure is not None:
        journal.failed(row, call.prompt, failure)
        raise failure
    assert answer is not None  # noqa: S101 - for the type checker: one of the two is there
    journal.answered(row, call.prompt, answer)
    return answer


def _sent[T: Sent](model: Model, send: Callable[[], T]) -> tuple[T | None, ProviderError | None]:
    """The answer or the failure, which must not leave the subsegment: that would keep its words."""
    try:
        return breaker.guarded(model.name, model.provider, send), None
    except ProviderError as failure:
        return None, failure


def _row(
    call: Call, model: Model, answer: Sent | None, failure: ProviderError | None, *, first: bool, latency_ms: int
) -> Row:
    """A failed attempt costs nothing as far as it is known."""
    cost = _cost(call, model, answer) if answer else 0
    return Row(
        id=call.id,
        user_id=call.caller.user_id,
        key_id=call.caller.key_id,
        operation=call.operation,
        requested_model=call.requested_model,
        provider=model.provider,
        model=model.model,
        attempt=len(call.rows) + 1,
        fallback=not first,
        outcome=failure.code if failure else "ok",
        usage=answer.usage if answer else Usage(),
        cost=cost,
        charged=call.charge(cost),
        estimated=False,
        price_version=catalog().version,
        latency_ms=latency_ms,
        metadata=call.metadata,
    )


def _cost(call: Call, model: Model, answer: Sent) -> int:
    """The provider's bill, nano-USD. A fee that nobody foresaw cannot be priced: it is told, and the rest is booked."""
    known = {tool: uses for tool, uses in answer.usage.fees.items() if tool in model.fees}
    if known != dict(answer.usage.fees):
        facts = {"event": "overrun", "model": model.name, "fees": dict(answer.usage.fees), "call": call.id}
        telemetry.logger.error("a fee without a price was billed", extra=facts)
    return pricing.cost(replace(answer.usage, fees=known), model, _terms(call, model, answer))


def _terms(call: Call, model: Model, answer: Sent) -> Mapping[str, str]:
    """The price terms that the provider says it applied, where the catalog knows them; else those asked for."""
    told = answer.terms if isinstance(answer, Reply) else None
    known = told is not None and all(value in model.multipliers.get(field, {}) for field, value in told.items())
    return {**call.terms, **told} if known and told else call.terms
