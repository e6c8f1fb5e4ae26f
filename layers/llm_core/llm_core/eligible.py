"""Who of a name's candidates may answer this caller, and who can answer this request."""

from __future__ import annotations

from collections.abc import Sequence

from llm_core import fitting, routing
from llm_core.aws.stage_catalog import catalog
from llm_core.call import Call
from llm_core.callers import Caller
from llm_core.catalog import Model
from llm_core.errors import DreyError, NotAllowed, ParameterNotPriced
from llm_core.messages import Request
from llm_core.providers import directory


def allowed(call: Call, models: Sequence[Model], *, fallback: bool, others: bool) -> list[Model]:
    """The candidates that the caller's own keys pay for, or all; of them those that its key of ours may use.

    Without `fallback` only the first. Raises InvalidRequest or NotAllowed when there is none.
    """
    models = call.own.narrowed(models, others=others)
    models = models if fallback else models[:1]
    left = permitted(call.caller, models)
    if not left:
        own = call.caller.models
        raise NotAllowed(f"This key may use only {', '.join(own) or 'no model'}." if own is not None else _ABOVE)
    return left


def permitted(caller: Caller, models: Sequence[Model]) -> list[Model]:
    """Those that the caller's key may use, and each key above it."""
    lists = [*caller.bounds] if caller.models is None else [caller.models, *caller.bounds]
    allowed = [routing.models(names, catalog()) for names in lists]
    return [model for model in models if all(model.name in names for names in allowed)]


_ABOVE = "The key above this one may not use this model."


def able(models: Sequence[Model], request: Request) -> list[Model]:
    """The candidates that can do what is asked; the first must. Raises InvalidRequest with its reason."""
    left = []
    for model in models:
        try:
            dialect = directory.provider(model.provider).dialect
            fitting.check(request, model, dialect)
            if dialect == "anthropic":
                _check_betas(request, model)
        except DreyError:
            if model is models[0]:
                raise
        else:
            left.append(model)
    return left


def _check_betas(request: Request, model: Model) -> None:
    """Other families never hear of them."""
    for name in request.betas:
        if model.context < catalog().betas[name].context:
            words = f"{name} makes {model.name} dearer beyond what is known here. Leave it out of the header."
            raise ParameterNotPriced(words, param="anthropic-beta")
