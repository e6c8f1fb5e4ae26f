"""What tokens cost, held against figures worked out by hand."""

from decimal import Decimal
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from llm_core.catalog import catalog
from llm_core.messages import Usage
from llm_core.pricing import cost

tokens = st.integers(min_value=0, max_value=2_000_000)
usages = st.builds(Usage, input=tokens, cache_write_5m=tokens, cache_write_1h=tokens, cache_read=tokens, output=tokens)
models = st.sampled_from(catalog().models)


def test_haiku_at_one_and_five_dollars_a_million() -> None:
    # 1,000 x $1/M + 200 x $5/M = $0.001 + $0.001
    assert cost(Usage(input=1_000, output=200), catalog().model("claude-haiku-4-5")) == 2_000_000


def test_each_bucket_has_its_own_price() -> None:
    sonnet = catalog().model("claude-sonnet-4-6")
    # 3.00 in, 3.75 and 6.00 cache writes, 0.30 cache read, 15.00 out: a million of each
    million = 1_000_000
    assert cost(Usage(input=million), sonnet) == 3_000_000_000
    assert cost(Usage(cache_write_5m=million), sonnet) == 3_750_000_000
    assert cost(Usage(cache_write_1h=million), sonnet) == 6_000_000_000
    assert cost(Usage(cache_read=million), sonnet) == 300_000_000
    assert cost(Usage(output=million), sonnet) == 15_000_000_000


def test_reasoning_is_part_of_the_output_and_not_paid_twice() -> None:
    haiku = catalog().model("claude-haiku-4-5")
    assert cost(Usage(output=500, reasoning=400), haiku) == cost(Usage(output=500), haiku)


def test_a_prompt_above_the_mark_reprices_the_whole_request() -> None:
    sonnet = catalog().model("claude-sonnet-4-5")
    assert cost(Usage(input=200_000, output=1_000), sonnet) == 600_000_000 + 15_000_000
    assert cost(Usage(input=200_001, output=1_000), sonnet) == 1_200_006_000 + 22_500_000


def test_cached_tokens_count_toward_the_mark() -> None:
    sonnet = catalog().model("claude-sonnet-4-5")
    assert cost(Usage(input=1, cache_read=200_000), sonnet) == 6_000 + 120_000_000


def test_a_bucket_without_a_price_is_charged_as_plain_input_never_as_nothing() -> None:
    gpt = catalog().model("gpt-4.1")
    assert cost(Usage(cache_write_5m=1_000, cache_write_1h=1_000), gpt) == cost(Usage(input=2_000), gpt)


def test_a_fraction_of_a_nano_dollar_is_rounded_up() -> None:
    # haiku 5.5: one cached token at $0.01/M = 10 nano-USD; sonnet's cache write: 3,750 exactly
    assert cost(Usage(cache_read=1), catalog().model("claude-haiku-5-5")) == 10
    assert cost(Usage(cache_write_5m=3), catalog().model("claude-haiku-5-5")) == 375


@given(usages, models)
def test_the_cost_is_the_exact_sum_rounded_up_once(usage: Usage, model) -> None:  # type: ignore[no-untyped-def]
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
def test_more_tokens_never_cost_less(one: Usage, other: Usage, model) -> None:  # type: ignore[no-untyped-def]
    more = Usage(
        one.input + other.input,
        one.cache_write_5m + other.cache_write_5m,
        one.cache_write_1h + other.cache_write_1h,
        one.cache_read + other.cache_read,
        one.output + other.output,
    )
    assert cost(more, model) >= cost(one, model)
