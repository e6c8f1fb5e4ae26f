"""The top floor: answer one request, and account for it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from llm_core import journal, ledger, pricing
from llm_core.aws import telemetry
from llm_core.callers import Caller
from llm_core.catalog import Model, catalog
from llm_core.deadline import Deadline
from llm_core.errors import DreyError, InvalidRequest
from llm_core.messages import Image, Reply, Request
from llm_core.money import with_markup
from llm_core.providers.anthropic import Anthropic
from llm_core.providers.base import Provider
from llm_core.providers.openai import OpenAI
from llm_core.redaction import redact, without_quotes
from llm_core.settings import settings

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (Anthropic(), OpenAI())}


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply and what it cost: `cost` is the provider's bill, `charged` the caller's, in nano-USD."""

    id: str
    created: int
    model: Model
    reply: Reply
    cost: int
    charged: int
    provider_ms: float
    attempts: int = 1


def prepare() -> None:
    """Import the primary provider's SDK, in INIT, where Lambda's processor is at full speed."""
    PROVIDERS["anthropic"].prepare()


def answer(request: Request, caller: Caller, deadline: Deadline) -> Answer:
    """Ask the model that the request names, once, and write the usage down before anybody sees the answer.

    Raises ModelNotFound and InvalidRequest before anything is asked; ProviderError, DeadlineExceeded,
    LedgerUnavailable after.
    """
    model = catalog().model(request.model)
    max_tokens = _output_limit(request, model)
    attempt = journal.Attempt(ledger.new_id(), request, model, journal.prompt_of(request))
    created = int(time.time())
    with telemetry.span(model.provider) as span:
        span.annotate(provider=model.provider, model=model.model, cached=False)
        started = time.perf_counter()
        try:
            reply = PROVIDERS[model.provider].ask(request, model, max_tokens=max_tokens, timeout=deadline.remaining())
        except DreyError as error:
            error.message = _presentable(error.message, attempt.prompt)
            span.annotate(outcome=error.code)
            journal.failed(attempt, error, latency_ms=round(_since(started)))
            raise
        latency_ms = _since(started)
        cost = pricing.cost(reply.usage, model)
        span.annotate(outcome="ok", cost_nano_usd=cost)
    charged = with_markup(cost, settings().markup_percent)
    journal.answered(attempt, reply, cost=cost, charged=charged, latency_ms=round(latency_ms))
    ledger.record(
        ledger.Row(
            id=attempt.id,
            user_id=caller.user_id,
            key_id=caller.key_id,
            operation="chat",
            requested_model=request.model,
            provider=model.provider,
            model=model.model,
            outcome="ok",
            usage=reply.usage,
            cost=cost,
            charged=charged,
            price_version=catalog().version,
            latency_ms=round(latency_ms),
        )
    )
    return Answer(attempt.id, created, model, reply, cost, charged, latency_ms)


def _since(started: float) -> float:
    """Milliseconds since a point on the performance counter."""
    return (time.perf_counter() - started) * 1000


def _output_limit(request: Request, model: Model) -> int:
    """Tokens the model may write. Raises InvalidRequest for what this model cannot do."""
    if not model.can("sampling") and (request.temperature, request.top_p) != (None, None):
        name = "temperature" if request.temperature is not None else "top_p"
        raise InvalidRequest(f"{model.name} takes no {name}. Leave it out.", param=name)
    if not model.can("tools") and request.tools:
        raise InvalidRequest(f"{model.name} cannot call tools.", param="tools")
    if not model.can("vision") and any(isinstance(part, Image) for m in request.messages for part in m.parts):
        raise InvalidRequest(f"{model.name} cannot see images.", param="messages")
    if request.max_tokens is None:
        return min(model.default_output, model.max_output)
    if request.max_tokens > model.max_output:
        raise InvalidRequest(f"{model.name} writes at most {model.max_output} tokens.", param="max_tokens")
    return request.max_tokens


def _presentable(message: str, prompt: bytes) -> str:
    """A provider's words, fit for a log and a body: no keys, and in prod nothing it quotes of the prompt."""
    said = redact(message)
    return without_quotes(said, prompt.decode()) if settings().is_prod else said
