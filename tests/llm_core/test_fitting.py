"""What a request asks for, held against what a model can do; the most it can cost, against what it did cost."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from llm_core import fitting, gateway, pricing
from llm_core.catalog import PACKAGE, Capability, Catalog, Model
from llm_core.errors import InvalidRequest, ParameterNotPriced
from llm_core.messages import (
    Dialect,
    Image,
    Message,
    Opaque,
    Original,
    Output,
    Request,
    Text,
    Tool,
    ToolChoice,
    Usage,
)

CATALOG = Catalog(PACKAGE.read_bytes())
HAIKU, GPT = CATALOG.model("claude-haiku-4-5"), CATALOG.model("gpt-4.1-mini")

ABLE: frozenset[Capability] = frozenset({"forced_tools", "sampling", "structured", "system", "tools", "vision"})


def model(*cannot: str, **fields: Any) -> Model:
    told: dict[str, Any] = {
        "input": Decimal(1),
        "output": Decimal(5),
        "context": 100_000,
        "max_output": 8_000,
        "image_tokens": 1_600,
    }
    told |= fields
    return Model(provider="p", model="m", capabilities=ABLE - set(cannot), **told)


def request(*parts: Any, **fields: Any) -> Request:
    return Request(model="m", messages=(Message("user", parts or (Text("Hello"),)),), **fields)


TOOL = Tool("get_weather", "", {"type": "object"})

BEYOND = [
    ("sampling", request(temperature=0.5), "temperature"),
    ("sampling", request(top_p=0.5), "top_p"),
    ("sampling", request(top_k=5), "top_k"),
    ("sampling", request(temperature=0.0), "temperature"),
    ("tools", request(tools=(TOOL,)), "tools"),
    ("forced_tools", request(tools=(TOOL,), tool_choice=ToolChoice("required")), "tool_choice"),
    ("forced_tools", request(tools=(TOOL,), tool_choice=ToolChoice("tool", "get_weather")), "tool_choice"),
    ("vision", request(Text("What is this?"), Image("image/png", "aGk=")), "messages"),
    ("structured", request(output=Output()), "response_format"),
]


@pytest.mark.parametrize(("capability", "asked", "field"), BEYOND, ids=[f"{row[0]} {row[2]}" for row in BEYOND])
def test_what_a_model_cannot_do_is_refused_by_its_field_and_only_then(
    capability: str, asked: Request, field: str
) -> None:
    fitting.check(asked, model(), "anthropic")
    with pytest.raises(InvalidRequest) as refused:
        fitting.check(asked, model(capability), "anthropic")
    assert refused.value.param == field
    assert "p/m" in refused.value.message


def test_more_output_than_the_model_can_write_is_refused() -> None:
    fitting.check(request(max_tokens=8_000), model(), "openai")
    with pytest.raises(InvalidRequest, match="at most 8000"):
        fitting.check(request(max_tokens=8_001), model(), "openai")


def test_a_price_term_or_a_paid_tool_without_a_price_is_refused() -> None:
    priced = model(multipliers={"service_tier": {"flex": Decimal("0.5")}}, fees={"web_search": Decimal("0.01")})
    fitting.check(request(terms={"service_tier": "flex"}, fee_uses={"web_search": 3}), priced, "openai")
    with pytest.raises(ParameterNotPriced, match="service_tier"):
        fitting.check(request(terms={"service_tier": "priority"}), priced, "openai")
    with pytest.raises(ParameterNotPriced, match="moon_walk"):
        fitting.check(request(fee_uses={"moon_walk": 1}), priced, "openai")


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_what_only_one_dialect_has_words_for_stays_within_it(dialect: Dialect) -> None:
    other: Dialect = "anthropic" if dialect == "openai" else "openai"
    asked = [
        (request(original=Original(dialect, {}, only=("thinking",))), "thinking"),
        (request(original=Original(dialect, {}), answers=2), "n"),
        (request(Opaque("document"), original=Original(dialect, {})), "messages"),
    ]
    for each, field in asked:
        fitting.check(each, model(), dialect)
        with pytest.raises(InvalidRequest) as refused:
            fitting.check(each, model(), other)
        assert refused.value.param == field


def test_the_output_is_the_callers_word_or_the_models_default_never_more_than_it_can() -> None:
    assert fitting.output_limit(request(max_tokens=17), model()) == 17
    assert fitting.output_limit(request(), model()) == 4_096
    assert fitting.output_limit(request(), model(max_output=1_000)) == 1_000


# ------------------------------------------------------------------------------------------- the ceiling


def test_a_prompt_has_at_most_as_many_tokens_as_bytes_and_what_the_provider_adds() -> None:
    assert fitting.prompt_bound(request(), b"x" * 500, model()) == 1_500


def test_a_picture_counts_by_its_size_in_tokens_not_by_its_bytes() -> None:
    picture = Image("image/png", "A" * 50_000)
    seeing = model(image_tokens=1_600)
    prompt = to_json(request(Text("What?"), picture).messages)
    without = len(prompt) - 50_000
    assert fitting.prompt_bound(request(Text("What?"), picture), prompt, seeing) == without + 1_600 + fitting.OVERHEAD


@pytest.mark.parametrize(
    "asked",
    [request(Opaque("file", unseen=True)), request(fee_uses={"web_search": 1})],
    ids=["a file", "a search"],
)
def test_what_we_do_not_see_may_fill_the_window(asked: Request) -> None:
    assert fitting.prompt_bound(asked, b"short", model()) == 100_000


def test_a_tool_that_the_provider_defines_counts_by_the_tokens_of_its_definition() -> None:
    """The request names it in a few bytes; what the model is shown for it is Anthropic's, and documented."""
    asked = request(known_tools=("bash", "text_editor"))
    knowing = model(tool_tokens={"bash": 245, "text_editor": 700})
    assert fitting.prompt_bound(asked, b"x" * 163, knowing) == 163 + 245 + 700 + fitting.OVERHEAD
    assert fitting.prompt_bound(asked, b"x" * 163, model(tool_tokens={"bash": 245})) == 100_000


CLAUDES = [row for row in CATALOG.models if "claude" in row.model]


@pytest.mark.parametrize("claude", CLAUDES, ids=lambda row: row.name)
def test_every_claude_covers_what_anthropic_documents_for_its_tools(claude: Model) -> None:
    """Instructions for tool use up to 804 tokens, bash 325, editor 700, computer 499 and 735: the most of each."""
    asked = request(known_tools=("bash", "text_editor", "computer"))
    bash = 325 if claude.image_tokens > 1_600 else 245  # with the tokenizer that came with Opus 4.7
    assert fitting.prompt_bound(asked, b"", claude) >= 804 + bash + 700 + 499 + 735


def test_where_a_workspace_may_decide_the_geography_its_dearest_is_held() -> None:
    told = model(multipliers={"inference_geo": {"us": Decimal("1.1"), "global": Decimal(1)}})
    plain = fitting.ceiling(request(max_tokens=100), b"", model())
    assert fitting.ceiling(request(max_tokens=100), b"", told) == plain * 11 // 10
    assert fitting.ceiling(request(max_tokens=100, terms={"inference_geo": "global"}), b"", told) == plain


def test_features_are_what_a_price_depends_on_beside_the_text() -> None:
    assert fitting.features(request(Text("a"), max_tokens=5, temperature=1.0)) == frozenset()
    kept = {"system": [{"type": "text", "cache_control": {"type": "ephemeral"}}]}
    rich = request(
        Text("a"),
        Image("image/png", "aGk="),
        Opaque("document", unseen=True),
        tools=(TOOL,),
        known_tools=("bash",),
        fee_uses={"web_search": 1},
        terms={"speed": "fast"},
        output=Output(),
        answers=2,
        original=Original("anthropic", kept),
    )
    assert fitting.features(rich) == {
        *("images", "documents", "tools", "bash", "web_search", "speed", "output", "answers", "cache"),
    }


def test_a_ceiling_counts_every_answer_every_term_and_every_search() -> None:
    priced = model(multipliers={"service_tier": {"priority": Decimal(2)}}, fees={"web_search": Decimal("0.01")})
    one = fitting.ceiling(request(max_tokens=100), b"", priced)
    assert one == 1_000 * 1_000 + 100 * 5_000
    three = fitting.ceiling(request(max_tokens=100, answers=3), b"", priced)
    assert three == 1_000 * 1_000 + 300 * 5_000
    assert fitting.ceiling(request(max_tokens=100, terms={"service_tier": "priority"}), b"", priced) == 2 * one
    searching = fitting.ceiling(request(max_tokens=100, fee_uses={"web_search": 2}), b"", priced)
    assert searching == 100_000 * 1_000 + 100 * 5_000 + 20_000_000


def test_a_plain_request_is_bounded_by_the_plain_price_not_by_an_hours_cache() -> None:
    """No cache_control, so Anthropic writes no cache: the dearest bucket this request can cause is plain input."""
    asked = request(max_tokens=100, original=Original("anthropic", {"messages": []}))
    assert fitting.ceiling(asked, b"x" * 1_000, HAIKU) == 2_000 * 1_000 + 100 * 5_000


def test_a_request_that_caches_for_an_hour_is_bounded_by_that_price() -> None:
    body = {"messages": [], "system": [{"type": "text", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]}
    asked = request(max_tokens=100, original=Original("anthropic", body))
    assert fitting.ceiling(asked, b"x" * 1_000, HAIKU) == 2_000 * 2_000 + 100 * 5_000


def test_gpt_writes_its_cache_unasked_so_its_ceiling_has_that_price() -> None:
    luna = CATALOG.model("gpt-6-luna")
    assert fitting.ceiling(request(max_tokens=1), b"x" * 1_000, luna) == 2_000 * 125 + 500


def test_the_schema_of_the_answer_is_part_of_what_is_paid_for() -> None:
    """Tools and schemas go into the prompt: a large one must not slip under the ceiling."""
    schema = {"type": "object", "properties": {f"field_{n}": {"type": "string"} for n in range(2_000)}}
    asked = request(output=Output(schema=schema))
    assert fitting.prompt_bound(asked, gateway._prompt(asked), model()) > len(json.dumps(schema)) / 2


texts = st.text(min_size=0, max_size=2_000)


@given(st.sampled_from(CATALOG.models), texts, st.integers(1, 8_000), st.integers(1, 4), st.data())
def test_no_answer_to_a_request_costs_more_than_its_ceiling(
    row: Model, text: str, limit: int, answers: int, data: st.DataObject
) -> None:
    if row.kind == "embedding":
        return
    terms = data.draw(st.sampled_from([{}, *({f: v} for f, values in row.multipliers.items() for v in values)]))
    asked = request(Text(text), max_tokens=limit, answers=answers, terms=terms)
    prompt = to_json(asked.messages)
    most = fitting.ceiling(asked, prompt, row)
    tokens = data.draw(st.integers(0, fitting.prompt_bound(asked, prompt, row)))
    read = data.draw(st.integers(0, tokens))
    billed = Usage(input=tokens - read, cache_read=read, output=data.draw(st.integers(0, limit * answers)))
    assert pricing.cost(billed, row, terms) <= most


@given(texts, texts)
def test_more_prompt_never_lowers_the_ceiling(one: str, other: str) -> None:
    longer = request(Text(one + other))
    shorter = request(Text(one))
    for row in (HAIKU, GPT, CATALOG.model("claude-haiku-5-5")):
        low = fitting.ceiling(shorter, to_json(shorter.messages), row)
        assert low <= fitting.ceiling(longer, to_json(longer.messages), row)


def test_a_prompt_beyond_the_window_is_held_by_its_bytes_for_a_provider_may_take_it_all_the_same() -> None:
    huge = b"x" * 10_000_000
    assert fitting.prompt_bound(request(), huge, HAIKU) == 10_000_000 + fitting.OVERHEAD
    tiered = CATALOG.model("claude-haiku-5-5")
    most = fitting.ceiling(request(max_tokens=1), huge, tiered)
    assert most >= pricing.cost(Usage(input=10_000_000, output=1), tiered)


def test_what_nobody_can_count_may_fill_the_window_beside_what_we_can() -> None:
    paid = request(fee_uses={"web_search": 1})
    assert fitting.prompt_bound(paid, b"x", HAIKU) == HAIKU.context
    assert fitting.prompt_bound(paid, b"x" * 300_000, HAIKU) == 300_000 + fitting.OVERHEAD


def test_a_long_answer_has_longer_than_a_short_one() -> None:
    """Ten seconds until the first token, and then forty tokens a second."""
    assert fitting.seconds(request(max_tokens=50), model()) == 11.25
    assert fitting.seconds(request(), model()) == 10 + 4_096 / fitting.TOKENS_A_SECOND
