"""What tokens cost: one formula over the catalog's rows, exact, rounded up once."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

from llm_core.catalog import Model, Prices
from llm_core.messages import Usage
from llm_core.money import NANO

_PER_MILLION = 1_000_000


def cost(usage: Usage, model: Model) -> int:
    """nano-USD that the provider bills for this usage, rounded up.

    A prompt above a tier's mark reprices the whole request (Anthropic, OpenAI: long-context pricing). A bucket
    without a price of its own is charged as plain input: a provider that lists none bills those tokens so.
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
    return math.ceil(Fraction(owed) * NANO / _PER_MILLION)


def _prices(prompt_tokens: int, model: Model) -> Prices:
    """The dearest tier that the prompt has passed, or the model's own prices."""
    passed = [tier for tier in model.tiers if prompt_tokens > tier.above]
    return max(passed, key=lambda tier: tier.above) if passed else model


def _first(price: Decimal | None, fallback: Decimal) -> Decimal:
    return fallback if price is None else price
