"""genai-prices, pydantic's own price list: what the catalog is held against, and where the two are known to differ."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from itertools import product
from typing import Any

import genai_prices

from llm_core import pricing
from llm_core.catalog import Model
from llm_core.messages import Usage
from llm_core.money import NANO, plain

VERSION = version("genai-prices")

INPUT_BUCKETS: tuple[str, ...] = ("input", "cache_write_5m", "cache_write_1h", "cache_read")

Terms = Mapping[str, str]

THEIR_NAME = {"anthropic": "anthropic", "openai": "openai", "bedrock": "aws"}

NO_GEOGRAPHY = "genai-prices knows no `inference_geo`: Anthropic bills `us` at 1.1 times every price, `global` at 1"
FLAT_PRIORITY = (
    "genai-prices has no long-context rate for this model's priority tier (OpenAI publishes one from 5.6 on); "
    "ours multiplies the long-context price, so it can only be too high, never too low"
)


def differs(model: Model, usage: Usage, terms: Terms) -> str | None:
    """Why the two lists are known to disagree here, None where they must agree. This is the reviewed list."""
    if terms.get("inference_geo") == "us":
        return NO_GEOGRAPHY
    above = any(usage.prompt > tier.above for tier in model.tiers)
    if above and model.name in ("openai/gpt-5.4", "openai/gpt-5.5") and terms.get("service_tier") == "priority":
        return FLAT_PRIORITY
    return None


def theirs(model: Model, usage: Usage, terms: Terms, when: date) -> Decimal:
    """nano-USD by genai-prices on that day, exact. Raises LookupError for a model it does not know."""
    counts = {
        "input_tokens": usage.prompt,
        "output_tokens": usage.output,
        "cache_read_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_write_5m_tokens": usage.cache_write_5m,
        "cache_write_1h_tokens": usage.cache_write_1h,
        "web_searches": usage.fees.get("web_search", 0),
    }
    used = genai_prices.Usage(**{name: count for name, count in counts.items() if count})
    total: Decimal = _calculated(model, used, when, terms).total_price
    return total * NANO


def rates(model: Model, when: date) -> Any:
    """Their ModelPrice for a model on that day: USD per million tokens, flat or in tiers. Raises LookupError."""
    return _calculated(model, genai_prices.Usage(input_tokens=1), when, {}).model_price


def _calculated(model: Model, usage: genai_prices.Usage, when: date, terms: Terms) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return genai_prices.calc_price(
            usage,
            model.model,
            provider_id=THEIR_NAME[model.provider],
            genai_request_timestamp=datetime.combine(when, datetime.min.time(), tzinfo=UTC),
            price_context=dict(terms),
        )


def only(bucket: str, size: int, *, output: int) -> Usage:
    counts: dict[str, Any] = {bucket: size}
    return Usage(output=output, **counts)


def terms_of(model: Model) -> list[Terms]:
    """No term, and each value of each term that the row prices."""
    return [{}, *({field: value} for field, values in model.multipliers.items() for value in values)]


def sizes(model: Model) -> list[int]:
    """A token, a round number, and each tier's mark: at it, and one above."""
    return [1, 1_000, *(tier.above + over for tier in model.tiers for over in (0, 1))]


def differences(model: Model, when: date) -> Iterator[str]:
    """Each usage that costs otherwise there than here, beyond what `differs` explains."""
    try:
        theirs(model, Usage(input=1), {}, when)
    except LookupError:
        yield f"genai-prices {VERSION} does not know it"
        return
    for bucket, size, terms in product(INPUT_BUCKETS, sizes(model), terms_of(model)):
        usage = only(bucket, size, output=0 if model.kind == "embedding" else 7)
        here, there = pricing.cost(usage, model, terms), math.ceil(theirs(model, usage, terms, when))
        if here != there and not differs(model, usage, terms):
            under = "".join(f", {field}={value}" for field, value in terms.items())
            yield (
                f"{size:,} tokens of {bucket} and {usage.output} of output{under} cost {plain(here)} USD here, "
                f"{plain(there)} USD in genai-prices {VERSION}"
            )
    for tool in model.fees:
        usage = Usage(input=1_000, fees={tool: 3})
        if (here := pricing.cost(usage, model)) != (there := math.ceil(theirs(model, usage, {}, when))):
            yield f"3 uses of {tool} cost {plain(here)} USD here, {plain(there)} USD in genai-prices {VERSION}"
