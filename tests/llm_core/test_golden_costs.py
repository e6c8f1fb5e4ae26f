"""Every row of the catalog, to the nano-dollar: held against pydantic's own price list and against arithmetic."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates import independent
from gates.independent import FLAT_PRIORITY, INPUT_BUCKETS, NO_GEOGRAPHY, Terms, differs, only, sizes, terms_of
from llm_core import pricing
from llm_core.catalog import PACKAGE, Catalog, Model
from llm_core.errors import ParameterNotPriced
from llm_core.messages import Usage

CATALOG = Catalog(PACKAGE.read_bytes())
WHEN = max(model.checked_on for model in CATALOG.models if model.checked_on)


def theirs(model: Model, usage: Usage, terms: Terms) -> Decimal:
    return independent.theirs(model, usage, terms, WHEN)


EVERY_ROW = [pytest.param(model, id=model.name) for model in CATALOG.models]


@pytest.mark.parametrize("model", EVERY_ROW)
def test_the_independent_list_knows_the_model(model: Model) -> None:
    """There is no row that only we have heard of; should one come, it goes into a list of its own with its reason."""
    assert theirs(model, Usage(input=1_000_000), {}) > 0


@pytest.mark.parametrize("model", EVERY_ROW)
def test_each_bucket_at_each_mark_under_each_term_costs_the_same(model: Model) -> None:
    for bucket, size, terms in product(INPUT_BUCKETS, sizes(model), terms_of(model)):
        usage = only(bucket, size, output=0 if model.kind == "embedding" else 7)
        if not differs(model, usage, terms):
            assert pricing.cost(usage, model, terms) == math.ceil(theirs(model, usage, terms)), (bucket, size, terms)


@pytest.mark.parametrize("model", EVERY_ROW)
def test_mixed_buckets_across_a_mark_cost_the_same(model: Model) -> None:
    """The mark is passed by the sum of the buckets, none of which passes it alone."""
    for above in [tier.above for tier in model.tiers] or [10_000]:
        for over in (0, 1):
            usage = Usage(above // 4 + over, above // 4, above // 8, above - above // 4 * 2 - above // 8, 1_234)
            assert usage.prompt == above + over
            assert pricing.cost(usage, model) == math.ceil(theirs(model, usage, {})), over


@pytest.mark.parametrize("model", [row for row in CATALOG.models if row.fees], ids=lambda model: model.name)
def test_a_search_costs_the_same(model: Model) -> None:
    usage = Usage(input=1_000, output=10, fees={"web_search": 3})
    assert pricing.cost(usage, model) == math.ceil(theirs(model, usage, {}))
    assert pricing.cost(usage, model) - pricing.cost(Usage(input=1_000, output=10), model) == 30_000_000


tokens = st.integers(min_value=0, max_value=900_000)


@given(st.sampled_from(CATALOG.models), tokens, tokens, tokens, tokens, st.integers(0, 128_000), st.data())
def test_any_usage_costs_the_same(
    model: Model, fresh: int, write: int, hour: int, read: int, output: int, data: st.DataObject
) -> None:
    usage = Usage(fresh, write, hour, read, 0 if model.kind == "embedding" else output)
    terms = data.draw(st.sampled_from(terms_of(model)))
    if not differs(model, usage, terms):
        assert pricing.cost(usage, model, terms) == math.ceil(theirs(model, usage, terms))


def test_where_the_two_lists_differ_ours_is_never_the_lower_and_each_difference_has_its_reason() -> None:
    seen: dict[str, set[str]] = {}
    for model in CATALOG.models:
        for bucket, size, terms in product(INPUT_BUCKETS, sizes(model), terms_of(model)):
            usage = only(bucket, size, output=0 if model.kind == "embedding" else 7)
            reason = differs(model, usage, terms)
            if reason:
                assert pricing.cost(usage, model, terms) > theirs(model, usage, terms)
                seen.setdefault(reason, set()).add(model.name)
    with_geography = {model.name for model in CATALOG.models if "inference_geo" in model.multipliers}
    assert seen == {NO_GEOGRAPHY: with_geography, FLAT_PRIORITY: {"openai/gpt-5.4", "openai/gpt-5.5"}}


@pytest.mark.parametrize("model", [m for m in CATALOG.models if "inference_geo" in m.multipliers], ids=lambda m: m.name)
def test_the_geography_we_alone_know_is_a_tenth_on_top_of_their_price(model: Model) -> None:
    for bucket, size in product(INPUT_BUCKETS, sizes(model)):
        usage = only(bucket, size, output=7)
        expected = math.ceil(theirs(model, usage, {}) * Decimal("1.1"))
        assert pricing.cost(usage, model, {"inference_geo": "us"}) == expected


BY_HAND = [
    # claude-haiku-4-5: $1 in, $5 out: 1,000 x 1 + 200 x 5 = $2,000/M
    ("claude-haiku-4-5", Usage(input=1_000, output=200), {}, 2_000_000),
    # all five buckets of claude-sonnet-4-6: 3 + 3.75 + 6 + 0.3 + 15 = $28.05 for a million of each
    ("claude-sonnet-4-6", Usage(10**6, 10**6, 10**6, 10**6, 10**6), {}, 28_050_000_000),
    # its `us` geography: 28.05 x 1.1
    ("claude-sonnet-4-6", Usage(10**6, 10**6, 10**6, 10**6, 10**6), {"inference_geo": "us"}, 30_855_000_000),
    # gpt-5.4 at the mark: 272,000 x $2.50 + 1,000 x $15
    ("gpt-5.4", Usage(input=272_000, output=1_000), {}, 695_000_000),
    # one token above: all of it at $5 and $22.50
    ("gpt-5.4", Usage(input=272_001, output=1_000), {}, 1_382_505_000),
    # claude-haiku-5-5, cached tokens count toward the mark: 100,000 x $0.05 + 1 x $0.50
    ("claude-haiku-5-5", Usage(input=1, cache_read=100_000), {}, 5_000_500),
    # one nano-dollar's fraction: 1 token x $0.125/M x 1.1 = 137.5 nano-USD, rounded up
    ("claude-haiku-5-5", Usage(cache_write_5m=1), {"inference_geo": "us"}, 138),
    # claude-opus-4-7: 10,000 x $5 + 2,000 x $25 + 2 searches at 1 cent
    ("claude-opus-4-7", Usage(input=10_000, output=2_000, fees={"web_search": 2}), {}, 120_000_000),
    # Bedrock's regional profile is a tenth dearer than the global one: 1,000 x $1.10 + 200 x $5.50
    ("us.anthropic.claude-haiku-4-5-20251001-v1:0", Usage(input=1_000, output=200), {}, 2_200_000),
    ("global.anthropic.claude-haiku-4-5-20251001-v1:0", Usage(input=1_000, output=200), {}, 2_000_000),
    # gpt-4.1: 500 fresh x $2 + 1,500 cached x $0.50 + 100 x $8
    ("gpt-4.1", Usage(input=500, cache_read=1_500, output=100), {}, 2_550_000),
    # the same at priority: x 1.75
    ("gpt-4.1", Usage(input=500, cache_read=1_500, output=100), {"service_tier": "priority"}, 4_462_500),
    # gpt-5 at flex, reasoning inside the output: (1,000 x $1.25 + 3,000 x $10) / 2
    ("gpt-5", Usage(input=1_000, output=3_000, reasoning=2_900), {"service_tier": "flex"}, 15_625_000),
    # gpt-5.6-sol writes its cache at $5, above 272k at $10: 272,001 x $10 + 10 x $30
    ("gpt-5.6-sol", Usage(cache_write_5m=272_001, output=10), {}, 2_720_310_000),
    # gpt-4.1 has no price for cache writes: they are plain input, 1,000 x $2
    ("gpt-4.1", Usage(cache_write_5m=1_000), {}, 2_000_000),
    # a text of three tokens, embedded at $0.02/M: 60 nano-USD
    ("text-embedding-3-small", Usage(input=3), {}, 60),
]


@pytest.mark.parametrize(("name", "usage", "terms", "nano_usd"), BY_HAND, ids=[f"{row[0]} {row[3]}" for row in BY_HAND])
def test_worked_out_by_hand(name: str, usage: Usage, terms: Terms, nano_usd: int) -> None:
    assert pricing.cost(usage, CATALOG.model(name), terms) == nano_usd


@pytest.mark.parametrize("model", EVERY_ROW)
def test_a_term_without_a_price_is_refused_never_guessed(model: Model) -> None:
    for terms in ({"service_tier": "gold"}, {"speed": "ludicrous"}, {"inference_geo": "moon"}):
        with pytest.raises(ParameterNotPriced):
            pricing.cost(Usage(input=1), model, terms)
    with pytest.raises(ParameterNotPriced):
        pricing.cost(Usage(fees={"moon_walk": 1}), model)


@given(st.sampled_from(CATALOG.models), st.integers(0, 900_000), st.integers(0, 128_000), st.data())
def test_no_split_of_a_prompt_into_buckets_costs_more_than_the_ceiling(
    model: Model, prompt: int, output: int, data: st.DataObject
) -> None:
    write, hour, read = (data.draw(st.integers(0, prompt // 3)) for _ in range(3))
    usage = Usage(prompt - write - hour - read, write, hour, read, output)
    terms = data.draw(st.sampled_from(terms_of(model)))
    fewer = data.draw(st.integers(0, prompt)), data.draw(st.integers(0, output))
    most = pricing.ceiling(model, prompt, output, terms)
    assert pricing.cost(usage, model, terms) <= most
    assert pricing.cost(Usage(input=fewer[0], output=fewer[1]), model, terms) <= most
