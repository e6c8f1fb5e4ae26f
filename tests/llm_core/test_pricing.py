"""What tokens cost, held against figures worked out by hand."""

from decimal import Decimal
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_core.catalog import PACKAGE, Catalog, Model
from llm_core.errors import ParameterNotPriced
from llm_core.messages import Usage
from llm_core.pricing import ceiling, cost, fees

CATALOG = Catalog(PACKAGE.read_bytes())

tokens = st.integers(min_value=0, max_value=2_000_000)
usages = st.builds(Usage, input=tokens, cache_write_5m=tokens, cache_write_1h=tokens, cache_read=tokens, output=tokens)
models = st.sampled_from(CATALOG.models)


def test_haiku_at_one_and_five_dollars_a_million() -> None:
    # 1,000 x $1/M + 200 x $5/M = $0.001 + $0.001
    assert cost(Usage(input=1_000, output=200), CATALOG.model("claude-haiku-4-5")) == 2_000_000


def test_each_bucket_has_its_own_price() -> None:
    sonnet = CATALOG.model("claude-sonnet-4-6")
    # 3.00 in, 3.75 and 6.00 cache writes, 0.30 cache read, 15.00 out: a million of each
    million = 1_000_000
    assert cost(Usage(input=million), sonnet) == 3_000_000_000
    assert cost(Usage(cache_write_5m=million), sonnet) == 3_750_000_000
    assert cost(Usage(cache_write_1h=million), sonnet) == 6_000_000_000
    assert cost(Usage(cache_read=million), sonnet) == 300_000_000
    assert cost(Usage(output=million), sonnet) == 15_000_000_000


def test_reasoning_is_part_of_the_output_and_not_paid_twice() -> None:
    haiku = CATALOG.model("claude-haiku-4-5")
    assert cost(Usage(output=500, reasoning=400), haiku) == cost(Usage(output=500), haiku)


def test_a_prompt_above_the_mark_reprices_the_whole_request() -> None:
    gpt = CATALOG.model("gpt-5.4")
    assert cost(Usage(input=272_000, output=1_000), gpt) == 680_000_000 + 15_000_000
    assert cost(Usage(input=272_001, output=1_000), gpt) == 1_360_005_000 + 22_500_000


def test_cached_tokens_count_toward_the_mark() -> None:
    gpt = CATALOG.model("gpt-5.4")
    assert cost(Usage(input=1, cache_read=272_000), gpt) == 5_000 + 136_000_000


def test_a_bucket_without_a_price_is_charged_as_plain_input_never_as_nothing() -> None:
    gpt = CATALOG.model("gpt-4.1")
    assert cost(Usage(cache_write_5m=1_000, cache_write_1h=1_000), gpt) == cost(Usage(input=2_000), gpt)


def test_a_fraction_of_a_nano_dollar_is_rounded_up() -> None:
    # haiku 5.5: one cached token at $0.01/M = 10 nano-USD; sonnet's cache write: 3,750 exactly
    assert cost(Usage(cache_read=1), CATALOG.model("claude-haiku-5-5")) == 10
    assert cost(Usage(cache_write_5m=3), CATALOG.model("claude-haiku-5-5")) == 375


@given(usages, models)
def test_the_cost_is_the_exact_sum_rounded_up_once(usage: Usage, model: Model) -> None:
    passed = [tier for tier in model.tiers if usage.prompt > tier.above]
    prices = passed[-1] if passed else model
    write = prices.input if prices.cache_write_5m is None else prices.cache_write_5m
    hour = write if prices.cache_write_1h is None else prices.cache_write_1h
    read = prices.input if prices.cache_read is None else prices.cache_read
    dollars = (
        usage.input * prices.input
        + usage.cache_write_5m * write
        + usage.cache_write_1h * hour
        + usage.cache_read * read
        + usage.output * prices.output
    ) / Decimal(1_000_000)
    assert cost(usage, model) == ceil(dollars * 1_000_000_000)


@given(usages, usages, models)
def test_more_tokens_never_cost_less(one: Usage, other: Usage, model: Model) -> None:
    more = Usage(
        one.input + other.input,
        one.cache_write_5m + other.cache_write_5m,
        one.cache_write_1h + other.cache_write_1h,
        one.cache_read + other.cache_read,
        one.output + other.output,
    )
    assert cost(more, model) >= cost(one, model)


@given(tokens, tokens, st.integers(min_value=0, max_value=100), models)
def test_no_count_of_a_prompt_costs_more_than_its_ceiling(prompt: int, output: int, cached: int, model: Model) -> None:
    most = ceiling(model, prompt, output)
    read = prompt * cached // 100
    for usage in (
        Usage(input=prompt, output=output),
        Usage(input=prompt - read, cache_read=read, output=output),
        Usage(cache_write_5m=prompt - read, cache_read=read, output=output),
        Usage(cache_write_1h=prompt, output=output),
    ):
        assert cost(usage, model) <= most


def test_a_dearer_tier_of_service_multiplies_every_price() -> None:
    gpt = CATALOG.model("gpt-4.1")
    usage = Usage(input=1_000, cache_read=1_000, output=1_000)
    assert cost(usage, gpt, {"service_tier": "priority"}) == cost(usage, gpt) * 7 // 4


def test_a_term_nobody_has_priced_is_refused_not_ignored() -> None:
    with pytest.raises(ParameterNotPriced, match="speed='fast'"):
        cost(Usage(input=1), CATALOG.model("claude-opus-4-7"), {"speed": "fast"})


def test_a_tool_that_the_provider_runs_has_a_fee_per_use() -> None:
    claude = CATALOG.model("claude-haiku-4-5")
    assert fees(claude, {"web_search": 3}) == 30_000_000
    assert cost(Usage(input=1_000, fees={"web_search": 3}), claude) == 1_000_000 + 30_000_000


def test_a_tool_without_a_known_fee_is_refused() -> None:
    with pytest.raises(ParameterNotPriced, match="web_fetch"):
        fees(CATALOG.model("claude-haiku-4-5"), {"web_fetch": 1})
