"""What a model can do, held against what a request asks for; and the most it can cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pydantic_core import to_json

from llm_core import pricing
from llm_core.catalog import Model
from llm_core.errors import InvalidRequest
from llm_core.messages import Dialect, Image, Request

OVERHEAD = 1_000
"""Tokens that a provider may add to a prompt of its own: role marks, tool instructions (Anthropic documents up to 804
for tool use, on Opus 4.7). What the tools it defines add each is the catalog's `tool_tokens`."""

_IMPOSED = "inference_geo"
"""The price term that a provider's account may set for all requests that do not name it (Anthropic's workspaces)."""


def check(request: Request, model: Model, dialect: Dialect) -> None:
    """Raises InvalidRequest or ParameterNotPriced for what this model, asked in this dialect, cannot do or price."""
    pricing.multiplier(model, request.terms)
    pricing.fees(model, request.fee_uses)
    _check_abilities(request, model)
    original = request.original
    if original is None or original.dialect == dialect:
        return
    if original.only:
        field = original.only[0]
        raise InvalidRequest(f"{field} means nothing to {model.name}. Leave it out.", param=field)
    if request.answers > 1:
        raise InvalidRequest(f"{model.name} gives one answer at a time.", param="n")
    if request.opaque:
        kind = request.opaque[0].kind
        raise InvalidRequest(f"A part of type {kind!r} means nothing to {model.name}.", param="messages")


def _check_abilities(request: Request, model: Model) -> None:
    sampling = {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
    asked = next((name for name, value in sampling.items() if value is not None), None)
    if asked and not model.can("sampling"):
        raise InvalidRequest(f"{model.name} takes no {asked}. Leave it out.", param=asked)
    if request.tools and not model.can("tools"):
        raise InvalidRequest(f"{model.name} cannot call tools.", param="tools")
    if request.tool_choice.mode in ("required", "tool") and not model.can("forced_tools"):
        raise InvalidRequest(f"{model.name} cannot be made to call a tool.", param="tool_choice")
    if request.images and not model.can("vision"):
        raise InvalidRequest(f"{model.name} cannot see images.", param="messages")
    if request.output and not model.can("structured"):
        raise InvalidRequest(f"{model.name} cannot be held to a JSON schema.", param="response_format")
    if request.max_tokens and request.max_tokens > model.max_output:
        raise InvalidRequest(f"{model.name} writes at most {model.max_output} tokens.", param="max_tokens")


TOKENS_A_SECOND = 40
"""The pace of a large model on a bad day that is still in health; an estimate of ours, for answers that come whole."""


def seconds(request: Request, model: Model) -> float:
    """Within which a model in health has given its whole answer. Nobody can tell a slower one from a dead one, unless
    it streams."""
    return model.limits.first_token_s + output_limit(request, model) / TOKENS_A_SECOND


def output_limit(request: Request, model: Model) -> int:
    """Tokens the model may write: the caller's word, or the model's default."""
    return request.max_tokens or min(model.default_output, model.max_output)


FLOOR = 256
"""Tokens. An answer is not shortened below this to make it affordable: it would say nothing."""


def affordable(request: Request, prompt: bytes, model: Model, most: int) -> int | None:
    """The longest answer, in tokens, whose ceiling is not above `most` nano-USD; None when not even FLOOR is."""
    low, high = FLOOR, output_limit(request, model)
    if high < low or ceiling(replace(request, max_tokens=low), prompt, model) > most:
        return None
    while low < high:
        middle = (low + high + 1) // 2
        if ceiling(replace(request, max_tokens=middle), prompt, model) <= most:
            low = middle
        else:
            high = middle - 1
    return low


def prompt_bound(request: Request, prompt: bytes, model: Model) -> int:
    """Tokens the prompt cannot exceed: no tokenizer makes more tokens than there are bytes.

    Images count by the provider's dearest one; a part or a tool whose size we do not know may fill the window. The
    window bounds nothing else: that a provider refuses what does not fit is its word, and not ours to spend by.
    """
    images = [part for message in request.messages for part in message.parts if isinstance(part, Image)]
    seen = len(prompt) - sum(len(image.data) for image in images) + len(images) * model.image_tokens
    tools = sum(model.tool_tokens.get(tool, 0) for tool in request.known_tools)
    unknown = any(tool not in model.tool_tokens for tool in request.known_tools)
    if unknown or request.fee_uses or any(part.unseen for part in request.opaque):
        return max(seen + OVERHEAD, model.context)
    return seen + tools + OVERHEAD


def ceiling(request: Request, prompt: bytes, model: Model) -> int:
    """nano-USD that one attempt can cost at most."""
    output = output_limit(request, model) * request.answers
    bound = prompt_bound(request, prompt, model)
    tokens = pricing.ceiling(model, bound, output, _dearest(request, model), cached=_cached(request))
    return tokens + pricing.fees(model, request.fee_uses)


def features(request: Request) -> frozenset[str]:
    """What its price depends on beside the size of its text: what is suspended when a ceiling did not hold."""
    used = {
        "images": request.images > 0,
        "documents": any(part.unseen for part in request.opaque),
        "tools": bool(request.tools),
        "output": request.output is not None,
        "answers": request.answers > 1,
        "cache": _cached(request) != "no",
    }
    return frozenset(
        {name for name, used in used.items() if used} | {*request.known_tools, *request.fee_uses, *request.terms}
    )


def _dearest(request: Request, model: Model) -> Mapping[str, str]:
    """The request's price terms, and of one that it leaves open the dearest that may be imposed on it."""
    imposed = model.multipliers.get(_IMPOSED)
    if not imposed or _IMPOSED in request.terms:
        return request.terms
    return {**request.terms, _IMPOSED: max(imposed, key=lambda value: imposed[value])}


def _cached(request: Request) -> pricing.Cached:
    """How long the request asks its prompt to be kept, read off its marks; a word that only looks like one may err."""
    body = to_json(request.original.body) if request.original else b""
    if b'"cache_control"' not in body:
        return "no"
    return "1h" if b'"1h"' in body else "5m"
