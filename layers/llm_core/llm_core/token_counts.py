"""How many tokens a prompt has, as its provider counts them: free of charge, and still a request."""

from __future__ import annotations

from llm_core import eligible, payment, routing
from llm_core.aws import tracing
from llm_core.aws.stage_catalog import catalog
from llm_core.call import Call
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest
from llm_core.gateway import Wishes
from llm_core.messages import Request
from llm_core.providers import directory
from llm_core.providers.anthropic import Anthropic


def count(request: Request, caller: Caller, deadline: Deadline, wishes: Wishes) -> int:
    """Tokens of the prompt. It counts as a request of the key's minute, because the provider has limits of its own.

    Raises InvalidRequest for models whose provider does not count, NotAllowed, RateLimited, ProviderError.
    """
    call = Call(caller, "count_tokens", request.model, b"", own=wishes.own_keys(caller))
    plan = routing.plan(request.model, catalog(), chain=request.models)
    for model in eligible.allowed(call, plan.candidates, fallback=True, others=True):
        provider = call.own.room(directory.provider(model.provider))
        if type(provider) is Anthropic:
            payment.count(caller, call.id, deadline)
            with tracing.span(model.provider) as span:
                span.annotate(provider=model.provider, model=model.model)
                return provider.count_tokens(request, model, deadline)
    raise InvalidRequest(f"Tokens of {request.model[:100]!r} cannot be counted here, only Claude's.", param="model")
