"""The top floor: answer one request, by the first candidate that can, and account for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from pydantic_core import to_json

from llm_core import alerts, fallback, fitting, live, pricing, routing
from llm_core.attempt import Attempt
from llm_core.aws.stage_catalog import catalog
from llm_core.call import Call
from llm_core.callers import Caller
from llm_core.catalog import Model
from llm_core.deadline import Deadline
from llm_core.errors import BudgetExceeded, BudgetHeld, DreyError, InvalidRequest, NotAllowed
from llm_core.live import Live, Opened
from llm_core.messages import Embeddings, Reply, Request
from llm_core.money import plain
from llm_core.payment import Allowance
from llm_core.providers import directory
from llm_core.providers.anthropic import Anthropic
from llm_core.providers.openai import OpenAI


@dataclass(frozen=True, slots=True)
class Answer[T]:
    """What came back, from which model, and the call that keeps its costs. `limit`: tokens it was allowed to write."""

    call: Call
    model: Model
    reply: T
    fallback: bool
    limit: int = 0


def prepare(primary: str = "anthropic") -> None:
    """In INIT, where Lambda's processor is at full speed: the catalog, checked, and the primary provider's SDK.

    Raises Misconfigured for an overlay that is wrong, so that the door does not start with it.
    """
    directory.check()
    directory.provider(primary).prepare()


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a caller wants to be served: whether others than the first candidate may answer, what it may cost, and the
    caller's own tags, which are kept with the usage."""

    fallback: bool = True
    allowance: Allowance = field(default_factory=Allowance)
    metadata: Mapping[str, str] = field(default_factory=dict)


BYTES_A_TOKEN = 4
"""What a prompt counts for against a key's tokens a minute, before anybody has counted them (OpenAI counts so too)."""


def answer(request: Request, caller: Caller, deadline: Deadline, wishes: Wishes = Wishes()) -> Answer[Reply]:
    """Ask the models that the request's name stands for, one after the other, until one answers.

    Raises ModelNotFound, NotAllowed, InvalidRequest, ParameterNotPriced, BudgetExceeded and RateLimited before anything
    is asked; ProviderError, AllProvidersFailed, DeadlineExceeded, LedgerUnavailable after.
    """
    call, request, candidates = _begun(request, caller, deadline, wishes)

    def ask(model: Model, until: Deadline) -> Reply:
        provider = directory.provider(model.provider)
        body = provider.body(request, model, fitting.output_limit(request, model))
        trying = Attempt(call, model, fitting.ceiling(request, call.prompt, model), model is candidates[0], until)
        return trying.make(partial(provider.send, body, until))

    with _settled(call):
        model, reply = fallback.first_answer(candidates, ask, deadline)
    limit = fitting.output_limit(request, model)
    return _told(Answer(call, model, reply, model is not candidates[0], limit), candidates[0])


def stream(request: Request, caller: Caller, deadline: Deadline, wishes: Wishes = Wishes()) -> Live:
    """As `answer`, but it begins with the model's first content, and the rest is told while it is written.

    Raises as `answer` does; what goes wrong after the first content is raised while reading.
    """
    call, request, candidates = _begun(request, caller, deadline, wishes)

    def ask(model: Model, until: Deadline) -> Opened:
        provider = directory.provider(model.provider)
        body = provider.body(request, model, fitting.output_limit(request, model))
        trying = Attempt(call, model, fitting.ceiling(request, call.prompt, model), model is candidates[0], until)
        return live.opened(trying, provider.stream(body, model.limits, until))

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
    found = routing.of_kind("embedding", routing.plan(name, catalog(), fallback=wishes.fallback), name)
    call = Call(caller, "embeddings", name, prompt, metadata=wishes.metadata)

    def charge(model: Model) -> int:
        return call.charge(pricing.ceiling(model, len(prompt), 0))

    ordered = _allowed(found.ordered(len(prompt), None), caller)
    candidates = wishes.allowance.affordable(ordered, charge)
    call.admit(candidates[0], charge(candidates[0]), len(prompt) // BYTES_A_TOKEN, wishes.allowance, deadline)

    def ask(model: Model, until: Deadline) -> Embeddings:
        provider = directory.provider(model.provider)
        if not isinstance(provider, OpenAI):
            raise InvalidRequest(f"{model.name} makes no embeddings here.", param="model")
        asked = {**body, "model": model.model}
        trying = Attempt(call, model, pricing.ceiling(model, len(prompt), 0), model is candidates[0], until)
        return trying.make(partial(provider.embed, asked, until))

    with _settled(call):
        model, vectors = fallback.first_answer(candidates, ask, deadline)
    return _told(Answer(call, model, vectors, model is not candidates[0]), candidates[0])


def count_tokens(request: Request, deadline: Deadline) -> int:
    """Tokens of the prompt as the provider counts them; free of charge. Raises InvalidRequest for other models."""
    for model in routing.plan(request.model, catalog()).candidates:
        provider = directory.provider(model.provider)
        if type(provider) is Anthropic:
            return provider.count_tokens(request, model, deadline)
    raise InvalidRequest(f"Tokens of {request.model[:100]!r} cannot be counted here, only Claude's.", param="model")


def _begun(request: Request, caller: Caller, deadline: Deadline, wishes: Wishes) -> tuple[Call, Request, list[Model]]:
    """The call, admitted, with the request as it was admitted and the candidates in order."""
    found = routing.plan(request.model, catalog(), chain=request.models, fallback=wishes.fallback)
    prompt = _prompt(request)
    ordered = routing.of_kind("chat", found, request.model).ordered(len(prompt), request.max_tokens)
    call = Call(caller, "chat", request.model, prompt, request.terms, wishes.metadata)

    def charge(model: Model) -> int:
        return call.charge(fitting.ceiling(request, prompt, model))

    candidates = wishes.allowance.affordable(_able(_allowed(ordered, caller), request), charge)
    return call, _admitted(call, request, candidates[0], wishes.allowance, deadline), candidates


def _able(models: Sequence[Model], request: Request) -> list[Model]:
    """The candidates that can do what is asked; the first must. Raises InvalidRequest with its reason."""
    able = []
    for model in models:
        try:
            fitting.check(request, model, directory.provider(model.provider).dialect)
        except DreyError:
            if model is models[0]:
                raise
        else:
            able.append(model)
    return able


def _allowed(models: Iterable[Model], caller: Caller) -> list[Model]:
    """The candidates that this key may use. Raises NotAllowed when there is none."""
    if caller.models is None:
        return list(models)
    names = {model.name for name in caller.models for model in routing.resolve(name, catalog()).candidates}
    able = [model for model in models if model.name in names]
    if not able:
        raise NotAllowed(f"This key may use only {', '.join(caller.models)}.")
    return able


def _admitted(call: Call, request: Request, model: Model, allowance: Allowance, deadline: Deadline) -> Request:
    """The request as it is admitted: its ceiling is held from here on.

    Where the caller set no `max_tokens` and its key says `clamp`, the answer may be shortened to what is affordable,
    which is told (`x-drey-max-tokens`). Raises as payment.take does.
    """
    may_clamp = request.max_tokens is None and call.caller.policy == "clamp"
    while True:
        limit = fitting.output_limit(request, model)
        tokens = len(call.prompt) // BYTES_A_TOKEN + limit * request.answers
        charge = call.charge(fitting.ceiling(request, call.prompt, model))
        try:
            call.admit(model, charge, tokens, allowance, deadline)
        except (BudgetExceeded, BudgetHeld) as refusal:
            if not may_clamp or refusal.remaining is None:
                raise
            shorter = fitting.affordable(request, call.prompt, model, call.cost_of(refusal.remaining))
            if shorter is None or shorter >= limit:
                raise
            request = replace(request, max_tokens=shorter)
        else:
            return request


@contextmanager
def _settled(call: Call, *, on_success: bool = True) -> Iterator[None]:
    """However it ends, what the call is charged is booked, and a failed call says how much. An answer that has only
    begun settles itself."""
    assert call.payment is not None  # noqa: S101 - for the type checker: it was admitted
    try:
        yield
    except BaseException as error:
        call.payment.settle()
        if isinstance(error, DreyError) and call.charged:
            error.details = {**error.details, "cost": plain(call.charged)}
        raise
    if on_success:
        call.payment.settle()


def _prompt(request: Request) -> bytes:
    """All that the model is shown, as canonical JSON: the same prompt has the same bytes and so the same hash."""
    ours = (request.system, request.messages, request.tools, request.output)
    return to_json(request.original.body if request.original else ours)


def _told[T: Answer[Any] | Live](answer: T, first: Model) -> T:
    """A fallback is never silent: one alert an episode."""
    if answer.fallback:
        alerts.raise_once("fallback", first.name, answered_by=answer.model.name)
    return answer
