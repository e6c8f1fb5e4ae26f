"""The top floor: answer one request, by the first candidate that can, and account for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from pydantic_core import to_json

from llm_core import alerts, byok, cache, eligible, exhaustion, fallback, fitting, live, pricing, routing
from llm_core.attempt import Attempt
from llm_core.aws.stage_catalog import catalog
from llm_core.byok import OwnKeys
from llm_core.cache import Wish
from llm_core.call import Call
from llm_core.callers import Caller
from llm_core.cancellation import Cancellation
from llm_core.catalog import Model
from llm_core.deadline import Deadline
from llm_core.errors import BudgetExceeded, BudgetHeld, DreyError, InvalidRequest
from llm_core.failures import ProviderCancelled
from llm_core.fallback import RETRIES
from llm_core.live import Live, Opened
from llm_core.messages import Embeddings, Reply, Request
from llm_core.payment import Allowance
from llm_core.providers import directory
from llm_core.providers.base import Json
from llm_core.providers.openai import OpenAI
from llm_core.providers.streaming import Streaming

Cached = Literal["HIT", "MISS", "BYPASS"]


@dataclass(frozen=True, slots=True)
class Answer[T]:
    """What came back, from which model, and the call that keeps its costs. `limit`: tokens it was allowed to write;
    `cache`: whether it was given before (HIT), was looked for (MISS) or is none to be kept (BYPASS)."""

    call: Call
    model: Model
    reply: T
    fallback: bool
    limit: int = 0
    cache: Cached = "BYPASS"


def prepare(primary: str = "anthropic") -> None:
    """In INIT, where Lambda's processor is at full speed: the catalog, checked, and the primary provider's SDK.

    Raises Misconfigured for an overlay that is wrong, so that the door does not start with it.
    """
    directory.check()
    directory.provider(primary).prepare()


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a caller wants to be served: whether others than the first candidate may answer, what it may cost, the
    caller's own tags, which are kept with the usage, whether an earlier answer will do, and a key of the caller's own;
    `others`: whether the platform's may answer after it. `retries`: how often one candidate is asked again.
    `cancellation` ends a stream before it has begun."""

    fallback: bool = True
    allowance: Allowance = field(default_factory=Allowance)
    metadata: Mapping[str, str] = field(default_factory=dict)
    cache: Wish = ""
    own: OwnKeys | None = None
    others: bool = False
    retries: int = RETRIES
    cancellation: Cancellation | None = None

    def own_keys(self, caller: Caller) -> OwnKeys:
        """The key that came with the request, else those that the caller keeps."""
        return self.own or byok.kept(caller.key_id, caller.providers)


_MOST = 0.75
"""Of the time that is left, which one candidate may take for a whole answer while others could still give it."""

BYTES_A_TOKEN = 4
"""What a prompt counts for against a key's tokens a minute, before anybody has counted them (OpenAI counts so too)."""


def answer(request: Request, caller: Caller, deadline: Deadline, wishes: Wishes = Wishes()) -> Answer[Reply]:
    """Ask the models that the request's name stands for, one after the other, until one answers.

    Raises ModelNotFound, NotAllowed, InvalidRequest, ParameterNotPriced, BudgetExceeded and RateLimited before anything
    is asked; ProviderError, AllProvidersFailed, DeadlineExceeded, LedgerUnavailable after.
    """
    call, able = _offered(request, caller, wishes)
    place = cache.place(request, able[0], caller, wishes.cache, call.own.payer(able[0]))
    if place and (given := Attempt(call, able[0], 0, True, deadline).repeated(place)):
        return Answer(call, able[0], given, fallback=False, cache="HIT")
    request, candidates = _admitted(call, request, able, wishes.allowance, deadline)

    def ask(model: Model, until: Deadline) -> Reply:
        trying, provider, body = _asking(call, request, model, candidates[0], until)
        return trying.make(partial(provider.send, body, until))

    healthy = partial(fitting.seconds, request)
    with _settled(call):
        model, reply = fallback.first_answer(
            candidates, ask, deadline, share=_MOST, within=healthy, retries=wishes.retries
        )
    if place and model is candidates[0]:
        place.keep(reply)
    limit = fitting.output_limit(request, model)
    found: Cached = "MISS" if place else "BYPASS"
    return _told(Answer(call, model, reply, model is not candidates[0], limit, found), candidates[0])


def stream(request: Request, caller: Caller, deadline: Deadline, wishes: Wishes = Wishes()) -> Live:
    """As `answer`, but it begins with the model's first content, and the rest is told while it is written.

    Raises as `answer` does, or ProviderCancelled; what goes wrong after the first content is raised while reading.
    """
    gone = wishes.cancellation or Cancellation()
    call, able = _offered(request, caller, wishes)
    request, candidates = _admitted(call, request, able, wishes.allowance, deadline)

    def ask(model: Model, until: Deadline) -> Opened:
        if gone.cancelled:
            raise ProviderCancelled("Its caller has gone.", provider=model.provider)
        trying, provider, body = _asking(call, request, model, candidates[0], until)
        events = provider.stream(body, model.limits, until)
        gone.ends(events.cancel)
        return live.opened(trying, events)

    with _settled(call, on_success=False):
        # The first content decides, and it has a limit of its own: nobody's time needs to be cut for the others.
        model, opened = fallback.first_answer(candidates, ask, deadline, share=1)
    limit = fitting.output_limit(request, model)
    return _told(Live(call, model, model is not candidates[0], limit, opened), candidates[0])


def embed(
    body: Mapping[str, object], caller: Caller, deadline: Deadline, wishes: Wishes = Wishes()
) -> Answer[Embeddings]:
    """Vectors for `body["input"]`, by the model that `body["model"]` stands for. Raises as `answer` does."""
    name, prompt = str(body["model"]), to_json(body["input"])
    found = routing.of_kind("embedding", routing.plan(name, catalog()), name).ordered(len(prompt), None)
    call = Call(caller, "embeddings", name, prompt, metadata=wishes.metadata, own=wishes.own_keys(caller))

    def charge(model: Model) -> int:
        return call.charge(pricing.ceiling(model, len(prompt), 0), model)

    allowed = eligible.allowed(call, found, fallback=wishes.fallback, others=wishes.others)
    candidates = wishes.allowance.affordable(allowed, charge)
    with exhaustion.told():
        call.admit(candidates[0], charge(candidates[0]), len(prompt) // BYTES_A_TOKEN, wishes.allowance, deadline)

    def ask(model: Model, until: Deadline) -> Embeddings:
        provider = call.own.room(directory.provider(model.provider))
        if not isinstance(provider, OpenAI):
            raise InvalidRequest(f"{model.name} makes no embeddings here.", param="model")
        asked = {**body, "model": model.model}
        trying = Attempt(call, model, pricing.ceiling(model, len(prompt), 0), model is candidates[0], until)
        return trying.make(partial(provider.embed, asked, until))

    with _settled(call):
        model, vectors = fallback.first_answer(candidates, ask, deadline)
    return _told(Answer(call, model, vectors, model is not candidates[0]), candidates[0])


def _offered(request: Request, caller: Caller, wishes: Wishes) -> tuple[Call, list[Model]]:
    """The call, and the candidates that may and can answer it, in order. Nothing is held yet."""
    plan = routing.plan(request.model, catalog(), chain=request.models)
    prompt = _prompt(request)
    ordered = routing.of_kind("chat", plan, request.model).ordered(len(prompt), request.max_tokens)
    own, features = wishes.own_keys(caller), fitting.features(request)
    call = Call(caller, "chat", request.model, prompt, request.terms, wishes.metadata, own, features)
    allowed = eligible.allowed(call, ordered, fallback=wishes.fallback, others=wishes.others)
    return call, eligible.able(allowed, request)


@exhaustion.told()
def _admitted(
    call: Call, request: Request, able: list[Model], allowance: Allowance, deadline: Deadline
) -> tuple[Request, list[Model]]:
    """The request as it is admitted, its ceiling held from here on, and the candidates that the caller can afford.

    Where the caller set no `max_tokens` and its key says `clamp`, the answer may be shortened to what is affordable
    and to what a minute takes, which is told (`x-drey-max-tokens`). Raises as payment.take does.
    """

    def charge(model: Model) -> int:
        return call.charge(fitting.ceiling(request, call.prompt, model), model)

    candidates = allowance.affordable(able, charge)
    model = candidates[0]
    may_clamp = request.max_tokens is None and call.caller.policy == "clamp"
    if may_clamp and call.caller.tokens_per_minute is not None:
        minute = (call.caller.tokens_per_minute - len(call.prompt) // BYTES_A_TOKEN) // request.answers
        if fitting.FLOOR <= minute < fitting.output_limit(request, model):
            request = replace(request, max_tokens=minute)
    while True:
        limit = fitting.output_limit(request, model)
        tokens = len(call.prompt) // BYTES_A_TOKEN + limit * request.answers
        try:
            call.admit(model, charge(model), tokens, allowance, deadline)
        except (BudgetExceeded, BudgetHeld) as refusal:
            if not may_clamp or refusal.remaining is None:
                raise
            shorter = fitting.affordable(request, call.prompt, model, call.cost_of(refusal.remaining))
            if shorter is None or shorter >= limit:
                raise
            request = replace(request, max_tokens=shorter)
        else:
            return request, candidates


def _asking(
    call: Call, request: Request, model: Model, first: Model, until: Deadline
) -> tuple[Attempt, Streaming, Json]:
    """The attempt at a candidate; who asks it, and with whose key; and what is posted."""
    provider, limit = call.own.room(directory.provider(model.provider)), fitting.output_limit(request, model)
    trying = Attempt(call, model, fitting.ceiling(request, call.prompt, model), model is first, until)
    return trying, provider, provider.body(request, model, limit)


@contextmanager
def _settled(call: Call, *, on_success: bool = True) -> Iterator[None]:
    """However it ends, what the call is charged is booked, and a failed call says how much. An answer that has only
    begun settles itself."""
    assert call.payment is not None  # noqa: S101 - for the type checker: it was admitted
    try:
        yield
    except BaseException as error:
        call.payment.settle()
        if isinstance(error, DreyError):
            call.payment.tell(error)
        raise
    if on_success:
        call.payment.settle()


def _prompt(request: Request) -> bytes:
    """All that the model is shown, as canonical JSON: the same prompt has the same bytes and so the same hash."""
    ours = (request.system, request.messages, request.tools, request.output)
    return to_json(request.original.body if request.original else ours)


def _told[T: Answer[Any] | Live](answer: T, first: Model) -> T:
    """A fallback is never silent: one alert an episode. That a caller's own key failed alarms nobody."""
    if answer.fallback and first not in answer.call.own:
        alerts.raise_once("fallback", first.name, answered_by=answer.model.name)
    return answer
