"""The top floor: answer one request, by the first candidate that can, and account for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from pydantic_core import to_json

from llm_core import alerts, attempt, fallback, fitting, pricing, routing
from llm_core.allowance import Allowance
from llm_core.attempt import Call
from llm_core.aws.stage_catalog import catalog
from llm_core.callers import Caller
from llm_core.catalog import Model
from llm_core.deadline import Deadline
from llm_core.errors import DreyError, InvalidRequest
from llm_core.messages import Embeddings, Reply, Request
from llm_core.money import plain
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
    """How a caller wants to be served: whether others than the first candidate may answer, and what it may cost."""

    fallback: bool = True
    allowance: Allowance = field(default_factory=Allowance)


def answer(request: Request, caller: Caller, deadline: Deadline, wishes: Wishes = Wishes()) -> Answer[Reply]:
    """Ask the models that the request's name stands for, one after the other, until one answers.

    Raises ModelNotFound, InvalidRequest, ParameterNotPriced and BudgetExceeded before anything is asked; ProviderError,
    AllProvidersFailed, DeadlineExceeded, LedgerUnavailable after.
    """
    found = routing.plan(request.model, catalog(), chain=request.models, fallback=wishes.fallback)
    prompt = _prompt(request)
    ordered = routing.of_kind("chat", found, request.model).ordered(len(prompt), request.max_tokens)
    candidates = wishes.allowance.affordable(_able(ordered, request), partial(fitting.ceiling, request, prompt))
    call = Call(caller, "chat", request.model, prompt, request.terms)

    def ask(model: Model, until: Deadline) -> Reply:
        provider = directory.provider(model.provider)
        body = provider.body(request, model, fitting.output_limit(request, model))
        ceiling = fitting.ceiling(request, prompt, model)
        wishes.allowance.admit(call, ceiling, model)
        return attempt.make(
            call, model, ceiling=ceiling, first=model is candidates[0], send=lambda: provider.send(body, until)
        )

    with _accounted(call):
        model, reply = fallback.first_answer(candidates, ask, deadline)
    limit = fitting.output_limit(request, model)
    return _told(Answer(call, model, reply, model is not candidates[0], limit), candidates[0])


def embed(
    body: Mapping[str, object], caller: Caller, deadline: Deadline, wishes: Wishes = Wishes()
) -> Answer[Embeddings]:
    """Vectors for `body["input"]`, by the model that `body["model"]` stands for. Raises as `answer` does."""
    name, prompt = str(body["model"]), to_json(body["input"])
    found = routing.of_kind("embedding", routing.plan(name, catalog(), fallback=wishes.fallback), name)
    ordered = list(found.ordered(len(prompt), None))
    candidates = wishes.allowance.affordable(ordered, lambda model: pricing.ceiling(model, len(prompt), 0))
    call = Call(caller, "embeddings", name, prompt)

    def ask(model: Model, until: Deadline) -> Embeddings:
        provider = directory.provider(model.provider)
        if not isinstance(provider, OpenAI):
            raise InvalidRequest(f"{model.name} makes no embeddings here.", param="model")
        asked = {**body, "model": model.model}
        ceiling = pricing.ceiling(model, len(prompt), 0)
        wishes.allowance.admit(call, ceiling, model)
        return attempt.make(
            call, model, ceiling=ceiling, first=model is candidates[0], send=lambda: provider.embed(asked, until)
        )

    with _accounted(call):
        model, vectors = fallback.first_answer(candidates, ask, deadline)
    return _told(Answer(call, model, vectors, model is not candidates[0]), candidates[0])


def count_tokens(request: Request, deadline: Deadline) -> int:
    """Tokens of the prompt as the provider counts them; free of charge. Raises InvalidRequest for other models."""
    for model in routing.plan(request.model, catalog()).candidates:
        provider = directory.provider(model.provider)
        if type(provider) is Anthropic:
            return provider.count_tokens(request, model, deadline)
    raise InvalidRequest(f"Tokens of {request.model[:100]!r} cannot be counted here, only Claude's.", param="model")


def _able(models: tuple[Model, ...], request: Request) -> list[Model]:
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


@contextmanager
def _accounted(call: Call) -> Iterator[None]:
    """A failed call says what it is charged for attempts whose end nobody saw."""
    try:
        yield
    except DreyError as error:
        if call.charged:
            error.details = {**error.details, "cost": plain(call.charged)}
        raise


def _prompt(request: Request) -> bytes:
    """All that the model is shown, as canonical JSON: the same prompt has the same bytes and so the same hash."""
    ours = (request.system, request.messages, request.tools, request.output)
    return to_json(request.original.body if request.original else ours)


def _told[T](answer: Answer[T], first: Model) -> Answer[T]:
    """A fallback is never silent: one alert an episode."""
    if answer.fallback:
        alerts.raise_once("fallback", first.name, answered_by=answer.model.name)
    return answer
