"""From a name to the models that may answer: by the package's own catalog, and by small ones of a test's own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_core import routing
from llm_core.catalog import PACKAGE, Catalog
from llm_core.errors import InvalidRequest, Misconfigured, ModelNotFound
from llm_core.routing import Plan, plan

CATALOG = Catalog(PACKAGE.read_bytes())


def overlaid(**overlay: Any) -> Catalog:
    return Catalog(PACKAGE.read_bytes(), json.dumps(overlay).encode())


def row(model: str, *, input: float = 1, output: float = 5, **fields: Any) -> dict[str, Any]:
    size = {"context": 100_000} if fields.get("kind") == "embedding" else {"context": 100_000, "max_output": 8_000}
    return {"provider": "openai", "model": model, "input": input, "output": output, **size, **fields}


def names(found: Plan) -> list[str]:
    return [model.name for model in found.candidates]


# ------------------------------------------------------------------------------------------- names


def test_a_bare_id_with_a_route_is_anthropic_first_then_the_same_family_on_bedrock() -> None:
    assert names(plan("claude-haiku-4-5", CATALOG)) == [
        "anthropic/claude-haiku-4-5",
        "bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0",
    ]


def test_a_full_name_is_that_one_and_no_other() -> None:
    assert names(plan("anthropic/claude-haiku-4-5", CATALOG)) == ["anthropic/claude-haiku-4-5"]


def test_a_bare_id_without_a_route_stands_for_itself() -> None:
    assert names(plan("gpt-4.1-mini", CATALOG)) == ["openai/gpt-4.1-mini"]


@pytest.mark.parametrize(
    ("role", "first"),
    [
        ("route", "anthropic/claude-haiku-4-5"),
        ("classify", "anthropic/claude-haiku-4-5"),
        ("judge", "anthropic/claude-haiku-4-5"),
        ("fast", "anthropic/claude-haiku-4-5"),
        ("generate", "anthropic/claude-sonnet-4-6"),
        ("polish", "anthropic/claude-sonnet-4-6"),
        ("tools", "anthropic/claude-sonnet-4-6"),
        ("synthesize", "anthropic/claude-opus-4-7"),
        ("smart", "anthropic/claude-opus-4-7"),
        ("embed", "openai/text-embedding-3-small"),
    ],
)
def test_each_role_has_its_model(role: str, first: str) -> None:
    assert names(plan(role, CATALOG))[0] == first


@pytest.mark.parametrize(
    ("alias", "first"),
    [
        ("gpt-4", "openai/gpt-4.1"),
        ("openai/gpt-4", "openai/gpt-4.1"),
        ("gpt-3.5-turbo", "openai/gpt-4.1-mini"),
        ("claude-3-haiku", "anthropic/claude-haiku-4-5"),
        ("claude-3-opus", "anthropic/claude-opus-4-7"),
        ("bedrock/claude-3-haiku", "bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0"),
    ],
)
def test_an_older_name_leads_to_todays_equivalent(alias: str, first: str) -> None:
    assert names(plan(alias, CATALOG))[0] == first


@pytest.mark.parametrize(
    "name", ["claude-haiku-4.5", "", "anthropic/", "GPT-4.1", pytest.param("x" * 10_000, id="long")]
)
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(ModelNotFound):
        plan(name, CATALOG)


def test_every_name_the_catalog_has_leads_somewhere_and_stays_in_its_family() -> None:
    for name in (*CATALOG.roles, *CATALOG.aliases, *CATALOG.routes, *CATALOG.by_name):
        found = plan(name, CATALOG).candidates
        assert found, name
        assert len({"claude" in model.model for model in found}) == 1, "Claude stays Claude, GPT stays GPT"
        assert len({model.kind for model in found}) == 1, name


# ------------------------------------------------------------------------------------------- scope


def test_a_chain_of_the_callers_own_is_the_whole_scope_in_its_order() -> None:
    chain = ["gpt-4.1", "anthropic/claude-haiku-4-5", "gpt-4.1-mini"]
    assert names(plan("claude-opus-4-7", CATALOG, chain=chain)) == [
        "openai/gpt-4.1",
        "anthropic/claude-haiku-4-5",
        "openai/gpt-4.1-mini",
    ]


def test_a_chain_may_name_roles_and_each_model_is_asked_once() -> None:
    assert names(plan("", CATALOG, chain=["fast", "anthropic/claude-haiku-4-5", "judge"])) == names(
        plan("fast", CATALOG)
    )


def test_one_unknown_name_refuses_the_whole_chain() -> None:
    with pytest.raises(ModelNotFound, match="gpt-99"):
        plan("", CATALOG, chain=["gpt-4.1", "gpt-99"])


@given(st.lists(st.sampled_from([*CATALOG.roles, *CATALOG.routes, *CATALOG.aliases, *CATALOG.by_name]), min_size=1))
def test_no_chain_asks_anybody_twice_or_anybody_else(chain: list[str]) -> None:
    found = names(plan("", CATALOG, chain=chain))
    assert len(found) == len(set(found))
    assert set(found) == {name for each in chain for name in names(plan(each, CATALOG))}
    assert found[0] == names(plan(chain[0], CATALOG))[0]


def test_embeddings_and_conversations_are_not_confused() -> None:
    with pytest.raises(InvalidRequest, match="does not hold a conversation"):
        routing.of_kind("chat", plan("embed", CATALOG), "embed")
    with pytest.raises(InvalidRequest, match="does not make embeddings"):
        routing.of_kind("embedding", plan("fast", CATALOG), "fast")


# ------------------------------------------------------------------------------------------- an operator's own


def test_an_overlays_role_alias_and_route_lead_to_its_models() -> None:
    mine = overlaid(
        models=[row("own-1"), row("own-2")],
        routes={"exam": ["openai/own-1", "openai/own-2", "claude-haiku-4-5"]},
        aliases={"mine": "exam"},
        roles={"fast": "mine"},
    )
    routing.check(mine)
    assert names(plan("fast", mine)) == ["openai/own-1", "openai/own-2", *names(plan("claude-haiku-4-5", CATALOG))]
    assert names(plan("judge", mine)) == names(plan("judge", CATALOG)), "what is not named stays"


@pytest.mark.parametrize(
    "overlay",
    [
        {"aliases": {"hare": "hound", "hound": "hare"}},
        {"routes": {"ring": ["round"], "round": ["ring"]}},
        {"roles": {"fast": "quick"}, "aliases": {"quick": "fast"}},
    ],
    ids=["aliases", "routes", "role and alias"],
)
def test_a_circle_is_refused_at_start(overlay: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match="circle"):
        routing.check(overlaid(**overlay))


def test_a_route_of_two_kinds_is_refused_at_start_by_name() -> None:
    with pytest.raises(Misconfigured, match="mixed"):
        routing.check(overlaid(routes={"mixed": ["gpt-4.1", "text-embedding-3-small"]}))


def test_a_route_to_nothing_is_refused_at_start() -> None:
    with pytest.raises(Misconfigured):
        routing.check(overlaid(routes={"void": []}))


# ------------------------------------------------------------------------------------------- lowest cost


CHEAPEST = overlaid(
    models=[row("dear", input=3, output=15), row("reader", input=0.1, output=50), row("writer", input=2, output=1)],
    routes={"low": {"cheapest": ["openai/dear", "openai/reader", "openai/writer"]}},
    aliases={"thrifty": "low"},
)


def test_the_cheapest_for_this_request_is_asked_first() -> None:
    found = plan("low", CHEAPEST)
    long_in, long_out = found.ordered(50_000, 10), found.ordered(100, 4_000)
    assert [model.model for model in long_in] == ["reader", "writer", "dear"]
    assert [model.model for model in long_out] == ["writer", "dear", "reader"]


@pytest.mark.parametrize("name", ["low", "thrifty"])
def test_the_cheapest_is_first_under_every_name_of_the_route(name: str) -> None:
    assert plan(name, CHEAPEST).ordered(100, 4_000)[0].model == "writer"


def test_the_cheapest_of_a_route_is_first_in_a_chain_of_the_callers_own_too() -> None:
    assert plan("", CHEAPEST, chain=["low"]).ordered(100, 4_000)[0].model == "writer"


def test_cache_writes_that_nobody_asked_for_do_not_make_a_model_dear() -> None:
    """Claude's price of an hour's cache is twice its input; a plain request never pays it."""
    low = overlaid(
        models=[row("plain", input=1.5, output=5)],
        routes={"low": {"cheapest": ["openai/plain", "anthropic/claude-haiku-4-5"]}},
    )
    assert plan("low", low).ordered(10_000, 100)[0].model == "claude-haiku-4-5"


def test_an_ordered_route_keeps_its_order_whatever_it_costs() -> None:
    mine = overlaid(models=[row("dear", input=30), row("cheap", input=0.1)], routes={"o": ["openai/dear", "cheap"]})
    assert [model.model for model in plan("o", mine).ordered(10_000, 100)] == ["dear", "cheap"]
