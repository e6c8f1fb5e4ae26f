"""One attempt at one candidate: one subsegment, one usage row, one `llm_call` line, whatever comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from llm_core import journal, ledger, overruns, payment, pricing
from llm_core.aws import breaker, outages, telemetry, tracing
from llm_core.aws.stage_catalog import catalog
from llm_core.aws.tracing import Span
from llm_core.cache import Place
from llm_core.call import Call
from llm_core.catalog import Model
from llm_core.deadline import Deadline
from llm_core.errors import DreyError, Misconfigured
from llm_core.failures import ProviderDenied, ProviderError, ProviderSkipped
from llm_core.ledger import Row
from llm_core.messages import Embeddings, Reply, Usage
from llm_core.payment import Payment

Sent = Reply | Embeddings

CACHE = "cache"
"""Who gave an answer that was given before."""


@dataclass(slots=True)
class Attempt:
    """`ceiling` is the most it can cost, in nano-USD; `first`: at the first candidate; over by `deadline`."""

    call: Call
    model: Model
    ceiling: int
    first: bool
    deadline: Deadline
    _started: float = field(default_factory=time.perf_counter)
    _span: Span = field(init=False)

    @property
    def payment(self) -> Payment:
        assert self.call.payment is not None  # noqa: S101 - nobody is asked before the call is admitted
        return self.call.payment

    @property
    def own(self) -> bool:
        """Whether it is made with the caller's own key."""
        return self.model in self.call.own

    def make[T: Sent](self, send: Callable[[], T]) -> T:
        """Send once, and account for it before anybody sees the answer.

        Raises ProviderError, LedgerUnavailable, or what stopped us before the provider was asked.
        """
        return self._tried(send, lambda answer: answer)

    def begin[T](self, opening: Callable[[], T]) -> T:
        """Ask for an answer that is told while it is written, up to its first content; then `end` must be called.

        Raises as `make` does.
        """
        return self._tried(opening, lambda _: None)

    def repeated(self, place: Place) -> Reply | None:
        """The answer that lies there, accounted for at no cost; None if there is none. Nobody is asked.

        Its row names no provider, because none was asked, and no tokens, because none were bought. Raises RateLimited,
        StoreUnavailable, LedgerUnavailable.
        """
        with tracing.span(CACHE) as span:
            reply = place.find()
            span.annotate(provider=CACHE, model=self.model.model, cached=reply is not None, cost_nano_usd=0)
            if reply is None:
                return None
            span.annotate(outcome="ok")
            self.call.payment = payment.count(self.call.caller, self.call.id, self.deadline)
            free = replace(self._row(reply, None), usage=Usage(), cost=0, charged=0)
            row = replace(free, provider=CACHE, cached=True)
            ledger.record(row)
        journal.answered(row, self.call.prompt, reply)
        return reply

    def _tried[T](self, send: Callable[[], T], whole: Callable[[T], Sent | None]) -> T:
        if not self.own:
            overruns.check(self.model, self.call.operation, self.call.features)
        self.payment.cover(self.call.charge(self.ceiling, self.model), self.model, self.deadline)
        self.deadline.remaining()  # covering takes time, and whoever is late must not begin
        self._started = time.perf_counter()
        self._span = Span(self.model.provider)
        self._span.annotate(provider=self.model.provider, model=self.model.model, cached=False)
        with self._span.open():
            got, failure = self._guarded(send)
        answer = None if got is None else whole(got)
        if answer is not None or failure is not None:
            self._book(self._row(answer, failure), answer, failure)
        if failure is not None:
            if isinstance(failure, ProviderDenied) and not self.own:
                outages.note(self.model.name if failure.status == HTTPStatus.NOT_FOUND else self.model.provider)
            raise failure
        assert got is not None  # noqa: S101 - for the type checker: one of the two is there
        return got

    def end(self, answer: Reply | None, failure: ProviderError | None) -> None:
        """Account for an answer that had begun. Both None: it was whole and nobody said what it used.

        Raises LedgerUnavailable.
        """
        self._book(self._row(answer, failure), answer, failure)

    def _guarded[T](self, send: Callable[[], T]) -> tuple[T | None, ProviderError | None]:
        """The answer or the failure, which must not leave the subsegment: that would keep its words.

        What one caller's own key meets there says nothing about the provider, so the breaker does not hear of it.
        """
        self.payment.asking()
        try:
            return send() if self.own else breaker.guarded(self.model.name, self.model.provider, send), None
        except ProviderError as failure:
            return None, failure
        except DreyError as error:  # ours: nothing was sent. Of what nobody foresaw we know nothing
            self.payment.not_asked()
            if isinstance(error, Misconfigured) and not self.own:
                outages.note(self.model.provider)
            raise

    def _book(self, row: Row, answer: Sent | None, failure: ProviderError | None) -> None:
        """The subsegment of an attempt lasts until its answer has been told, and says what its row does."""
        self._span.annotate(outcome=row.outcome, cost_nano_usd=row.cost, fallback=row.fallback)
        self._span.end(fault=failure is not None)
        prompt = self.call.prompt
        if isinstance(failure, ProviderSkipped):
            self.payment.not_asked()
            journal.skipped(row, prompt, failure)
            return
        self.payment.record(row)
        if row.cost > self.ceiling and not self.own:  # what a caller's own contract costs says nothing about ours
            overruns.suspend(self.model, self.call.operation, self.call.features, ceiling=self.ceiling, cost=row.cost)
        if failure is not None:
            journal.failed(row, prompt, failure)
        else:
            journal.answered(row, prompt, answer)

    def _row(self, answer: Sent | None, failure: ProviderError | None) -> Row:
        """A failed attempt costs nothing as far as it is known; one whose end nobody saw, the most it can have cost."""
        call, model = self.call, self.model
        unseen = failure.end_unknown if failure else answer is None
        cost = self.ceiling if unseen else self._cost(answer) if answer else 0
        return Row(
            id=call.id,
            user_id=call.caller.user_id,
            key_id=call.caller.key_id,
            operation=call.operation,
            requested_model=call.requested_model,
            provider=model.provider,
            model=model.model,
            attempt=len(call.rows) + 1,
            fallback=not self.first,
            outcome=failure.code if failure else "ok",
            usage=answer.usage if answer else Usage(),
            cost=cost,
            charged=call.charge(cost, model),
            estimated=unseen,
            price_version=catalog().version,
            latency_ms=round((time.perf_counter() - self._started) * 1000),
            byok=self.own,
            metadata=call.metadata,
        )

    def _cost(self, answer: Sent) -> int:
        """The provider's bill, nano-USD. A fee that nobody foresaw cannot be priced: it is told, the rest is booked."""
        fees = answer.usage.fees
        known = {tool: uses for tool, uses in fees.items() if tool in self.model.fees}
        if known != dict(fees):
            facts = {"event": "overrun", "model": self.model.name, "fees": dict(fees), "call": self.call.id}
            telemetry.logger.error("a fee without a price was billed", extra=facts)
        return pricing.cost(replace(answer.usage, fees=known), self.model, self._terms(answer))

    def _terms(self, answer: Sent) -> Mapping[str, str]:
        """The price terms that the provider says it applied, where the catalog knows them; else those asked for."""
        told = answer.terms if isinstance(answer, Reply) else None
        listed = self.model.multipliers
        known = told is not None and all(value in listed.get(field, {}) for field, value in told.items())
        return {**self.call.terms, **told} if known and told else self.call.terms
