"""What tokens cost: one formula over the catalog's rows, exact, rounded up once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from llm_core.catalog import Model, Prices
from llm_core.errors import ParameterNotPriced
from llm_core.messages import Usage
from llm_core.money import NANO

_PER_MILLION = 1_000_000

Cached = Literal["no", "5m", "1h"]

_NOTHING: Mapping[str, str] = {}


def cost(usage: Usage, model: Model, terms: Mapping[str, str] = _NOTHING) -> int:
    """nano-USD that the provider bills for this usage, rounded up.

    A prompt above a tier's mark reprices the whole request (Anthropic, OpenAI: long-context pricing). A bucket
    without a price of its own is charged as plain input: a provider that lists none bills those tokens so. `terms`
    are the request's fields that multiply every token's price, such as {"service_tier": "priority"}.
    """
    prices = _prices(usage.prompt, model)
    write_5m = _first(prices.cache_write_5m, prices.input)
    owed = (
        usage.input * prices.input
        + usage.cache_write_5m * write_5m
        + usage.cache_write_1h * _first(prices.cache_write_1h, write_5m)
        + usage.cache_read * _first(prices.cache_read, prices.input)
        + usage.output * prices.output
    )
    tokens = Fraction(owed) * Fraction(multiplier(model, terms)) / _PER_MILLION
    return math.ceil(tokens * NANO) + fees(model, usage.fees)


def fees(model: Model, uses: Mapping[str, int]) -> int:
    """nano-USD for so many uses of tools that the provider runs. Raises ParameterNotPriced for an unknown one."""
    unknown = next((tool for tool in uses if tool not in model.fees), None)
    if unknown:
        raise ParameterNotPriced(f"{model.name} has no known fee for {unknown}.", param="tools")
    return sum(math.ceil(Fraction(model.fees[tool]) * times * NANO) for tool, times in uses.items())


def ceiling(
    model: Model, prompt_tokens: int, output_tokens: int, terms: Mapping[str, str] = _NOTHING, *, cached: Cached = "1h"
) -> int:
    """nano-USD that a request of at most this size can cost, whichever bucket its prompt falls into.

    `cached` is the longest that the request asks its prompt to be kept. A model without a price for the hour writes its
    cache unasked (OpenAI), so there that bucket is always among them.
    """
    usages = [Usage(input=prompt_tokens, output=output_tokens)]
    if cached != "no" or model.cache_write_1h is None:
        usages.append(Usage(cache_write_5m=prompt_tokens, output=output_tokens))
    if cached == "1h":
        usages.append(Usage(cache_write_1h=prompt_tokens, output=output_tokens))
    return max(cost(usage, model, terms) for usage in usages)


def multiplier(model: Model, terms: Mapping[str, str]) -> Decimal:
    """What these fields do to every price. Raises ParameterNotPriced for a value the catalog does not list."""
    product = Decimal(1)
    for field, value in terms.items():
        known = model.multipliers.get(field, {})
        if value not in known:
            raise ParameterNotPriced(
                f"{field}={value!r} has no known price for {model.name}. Leave it out.", param=field
            )
        product *= known[value]
    return product


def _prices(prompt_tokens: int, model: Model) -> Prices:
    """The dearest tier that the prompt has passed, or the model's own prices."""
    passed = [tier for tier in model.tiers if prompt_tokens > tier.above]
    return max(passed, key=lambda tier: tier.above) if passed else model


def _first(price: Decimal | None, fallback: Decimal) -> Decimal:
    return fallback if price is None else price
