"""What may be handed on, and what is left when the one above may less."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_core import routing
from llm_core.accounts.tree import Account
from llm_core.aws.stage_catalog import catalog
from llm_core.callers import SCOPES
from llm_core.errors import InvalidRequest, NotAllowed
from llm_core.terms import Terms, check, check_limits, check_lowered, cut, told, within

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
BOUND = Terms(
    {"ai:complete", "keys:write"},
    requests_per_minute=60,
    tokens_per_minute=1_000,
    models=("fast", "gpt-4.1-mini"),
    expires_at=NOON,
)
FREE = Terms(SCOPES)

some_terms = st.builds(
    Terms,
    scopes=st.frozensets(st.sampled_from(sorted(SCOPES))),
    requests_per_minute=st.none() | st.integers(1, 100),
    tokens_per_minute=st.none() | st.integers(1, 100),
    models=st.none()
    | st.lists(st.sampled_from(["fast", "smart", "gpt-4", "claude-haiku-4-5"]), unique=True).map(tuple),
    expires_at=st.none() | st.integers(0, 5).map(lambda days: NOON + timedelta(days=days)),
    policy=st.sampled_from(["clamp", "refuse"]),
)


def test_what_is_not_asked_for_is_as_much_as_the_bound_has() -> None:
    given_on = within(BOUND, Terms({"ai:complete"}).asked)
    assert Terms(**given_on) == replace(BOUND, scopes={"ai:complete"})


def test_what_is_less_is_given_as_it_is_asked_for() -> None:
    asked: dict[str, Any] = {
        "scopes": ["keys:write"],
        "requests_per_minute": 1,
        "models": ("claude-haiku-4-5",),
        "expires_at": NOON - timedelta(seconds=1),
        "policy": "refuse",
    }
    assert within(BOUND, asked) == asked


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("scopes", ["ai:embed"], "scopes: .*ai:embed"),
        ("requests_per_minute", 61, "requestsPerMinute: .*60"),
        ("tokens_per_minute", 1_001, "tokensPerMinute: .*1000"),
        ("models", ("fast", "smart"), "models: .*smart"),
        ("expires_at", NOON + timedelta(seconds=1), "expiresAt: .*2030-01-01"),
    ],
)
def test_what_is_more_is_refused_by_name(field: str, value: Any, words: str) -> None:
    with pytest.raises(NotAllowed, match=words):
        within(BOUND, {field: value})
    assert within(FREE, {field: value}) == {field: value}


def test_models_are_compared_by_what_they_stand_for() -> None:
    """Whoever may use a route may use its parts; whoever may use a part may not use the route."""
    route = "claude-haiku-4-5"
    one = routing.resolve(route, catalog()).candidates[0].name
    assert within(Terms(SCOPES, models=(route,)), {"models": (one,)})
    with pytest.raises(NotAllowed):
        within(Terms(SCOPES, models=(one,)), {"models": (route,)})


@given(some_terms, some_terms)
def test_what_is_cut_could_have_been_given_and_cutting_again_changes_nothing(bound: Terms, terms: Terms) -> None:
    left = cut(bound, terms)
    within(bound, {name: value for name, value in left.asked.items() if name != "models"})
    if bound.models is not None:
        assert left.models is not None
        assert _models(left.models) <= _models(bound.models)
    assert cut(bound, left) == left
    assert frozenset(left.scopes) == frozenset(bound.scopes) & frozenset(terms.scopes)


@given(some_terms)
def test_nothing_is_cut_below_a_key_that_may_everything(terms: Terms) -> None:
    assert cut(FREE, terms) == terms


def test_a_model_that_has_left_the_catalog_stands_for_nothing_and_breaks_nothing() -> None:
    """A key was made for it when it was there; it is still narrowed, and so are those below."""
    gone = replace(BOUND, models=("fast", "gone-4"))
    assert within(gone, {"models": ("fast",)}) == {"models": ("fast",)}
    assert within(gone, {"models": None}) == {"models": ("fast", "gone-4")}
    assert cut(replace(BOUND, models=("fast",)), gone).models == ("fast",), "it might come back as something else"
    assert cut(gone, replace(BOUND, models=("gone-4", "smart"))).models == ("gone-4",)


@given(some_terms)
def test_terms_are_kept_whole(terms: Terms) -> None:
    assert Terms.of(terms.stored) == terms


def _models(names: tuple[str, ...]) -> set[str]:
    return {model.name for name in names for model in routing.resolve(name, catalog()).candidates}


@pytest.mark.parametrize(
    ("asked", "param"), [({"scopes": ["ai:complete", "root"]}, "scopes[1]"), ({"models": ("gpt-99",)}, "models[0]")]
)
def test_what_does_not_exist_is_named(asked: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check(asked)
    assert refused.value.param == param


def test_a_limit_is_held_against_the_tightest_above() -> None:
    line = [Account("key:k", "user:u", {"month": 10}), Account("user:u", None, {"month": 7, "day": 3})]
    check_limits(line, {"month": 7, "day": 3, "total": 10**15})
    check_limits(line, {"month": None, "day": None})
    for more in ({"month": 8}, {"day": 4}):
        with pytest.raises(NotAllowed, match=r"monthlyBudget|dailyCap"):
            check_limits(line, more)  # type: ignore[arg-type]


def test_ones_own_limit_goes_down_only() -> None:
    account = Account("key:k", None, {"month": 10})
    check_lowered(account, {"month": 10})
    check_lowered(account, {"month": 0, "day": 5})
    for more in ({"month": 11}, {"month": None}):
        with pytest.raises(NotAllowed):
            check_lowered(account, more)  # type: ignore[arg-type]


def test_limits_are_told_in_usd_under_the_names_people_know() -> None:
    assert told({"month": 12_500_000_000, "day": 1}) == {"monthlyBudget": "12.5", "dailyCap": "0.000000001"}
