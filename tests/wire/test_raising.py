"""A key cannot raise itself: whatever it asks for, in whatever order, nothing that it holds may more than it may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_core import callers, routing
from llm_core.aws import table
from llm_core.aws.stage_catalog import catalog
from tests.conftest import Platform
from tests.functions.accounts.holder import NANO, Holder, someone

EXPIRES = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
SCOPES = ("ai:complete", "keys:write", "budget:write", "usage:read")
BOUNDS: dict[str, Any] = {"requests_per_minute": 60, "tokens_per_minute": 10_000, "models": ("fast", "gpt-4.1-mini")}
MONTH, DAY = 20, 5


@pytest.fixture
def bound(inside: Platform) -> Holder:
    """A key that is bound in everything, and may administer all that a key may."""
    return someone(inside, SCOPES, {"month": MONTH, "day": DAY}, expires_at=EXPIRES, **BOUNDS)


# ------------------------------------------------------------------------------------------------ one at a time
MORE: dict[str, dict[str, Any]] = {
    "a scope": {"scopes": ["ai:complete", "ai:embed"]},
    "all scopes": {"scopes": sorted(callers.SCOPES)},
    "a budget": {"monthlyBudget": MONTH + 0.000000001},
    "a cap": {"dailyCap": DAY + 1},
    "requests": {"requestsPerMinute": 61},
    "tokens": {"tokensPerMinute": 10_001},
    "a model": {"models": ["fast", "claude-opus-4-7"]},
    "a model's twin elsewhere": {"models": ["openai/gpt-4.1"]},
    "a second": {"expiresAt": (EXPIRES + timedelta(seconds=1)).isoformat()},
}


@pytest.mark.parametrize("case", MORE)
def test_more_than_a_key_has_is_refused_for_itself_and_for_a_key_below_it(bound: Holder, case: str) -> None:
    (name,) = MORE[case]
    new = {"name": "more", "scopes": ["ai:complete"], "monthlyBudget": 1}
    child = bound.make(scopes=["ai:complete", "keys:write"])
    before = bound.kept, child.kept
    for holder, method, path, body in (
        (bound, "PATCH", f"/v1/auth/keys/{bound.key_id}", MORE[case]),
        (bound, "PATCH", f"/v1/auth/keys/{child.key_id}", MORE[case]),
        (bound, "POST", "/v1/auth/keys", new | MORE[case]),
        (child, "POST", "/v1/auth/keys", new | MORE[case]),
    ):
        told = holder.told(method, path, body, 403)
        assert told["code"] == "not_allowed"
        assert told["error"].startswith(f"{name}: ")
    assert (bound.kept, child.kept) == before
    if "Budget" in name or "Cap" in name:
        budget = {"monthlyBudget": 1} | MORE[case]
        for body in (budget, budget | {"keyId": bound.key_id}, budget | {"keyId": child.key_id}):
            assert bound.told("PUT", "/v1/usage/budget", body, 403)["code"] == "not_allowed"
        assert (bound.kept, child.kept) == before


@pytest.mark.parametrize("name", ["monthlyBudget", "dailyCap"])
def test_a_key_does_not_lift_its_own_limit(bound: Holder, name: str) -> None:
    before = bound.kept
    path = f"/v1/auth/keys/{bound.key_id}"
    assert bound.told("PATCH", path, {name: None}, 403)["code"] == "not_allowed"
    assert bound.told("PUT", "/v1/usage/budget", {"monthlyBudget": MONTH, name: None}, 403)["code"] == "not_allowed"
    assert bound.kept == before


def test_what_it_lowered_it_does_not_raise_again(bound: Holder) -> None:
    bound.told("PUT", "/v1/usage/budget", {"monthlyBudget": 1})
    assert bound.told("PUT", "/v1/usage/budget", {"monthlyBudget": 2}, 403)["error"].startswith("monthlyBudget: ")
    bound.told("PATCH", f"/v1/auth/keys/{bound.key_id}", {"scopes": ["keys:write", "usage:read"]})
    bound.told("PATCH", f"/v1/auth/keys/{bound.key_id}", {"scopes": list(SCOPES)}, 403)
    bound.told("PUT", "/v1/usage/budget", {"monthlyBudget": 1}, 403)


def test_a_secret_of_a_key_below_is_no_way_back_to_what_was_lost(bound: Holder) -> None:
    """Whoever is narrowed may have kept the secret of a key that it made before, or ask for another one."""
    top = someone(bound.platform)
    middle = top.make(scopes=["ai:complete", "keys:write"])
    child = middle.make(scopes=["ai:complete", "keys:write"])
    top.told("PATCH", f"/v1/auth/keys/{middle.key_id}", {"scopes": ["keys:write"]})
    assert child.hello().status_code == 403
    told = middle.told("POST", f"/v1/auth/keys/{child.key_id}/rotate")
    assert told["scopes"] == ["keys:write"]
    assert Holder(top.platform, top.user, told["keyId"], told["apiKey"]).hello().status_code == 403


def test_a_key_below_spends_its_makers_money_whatever_its_own_budget_is(bound: Holder) -> None:
    child = bound.make(scopes=["ai:complete", "budget:write"], monthlyBudget=None)
    bound.told("PUT", "/v1/usage/budget", {"monthlyBudget": 0})
    refused = child.hello()
    assert refused.status_code == 402
    assert refused.json()["limit_id"].startswith("key above#"), "and does not learn which key that is"


def test_a_key_that_has_ended_makes_and_changes_nothing(inside: Platform) -> None:
    """Not even while some door still believes it: here it is asked of the rooms behind the door."""
    from llm_core import credentials, keyring, keys
    from llm_core.deadline import Deadline
    from llm_core.errors import InvalidRequest, NotAllowed
    from llm_core.keys import Terms

    ada = someone(inside)
    child = ada.make()
    believed = callers.identify(child.api_key)
    ada.told("DELETE", f"/v1/auth/keys/{child.key_id}")
    with pytest.raises(NotAllowed):
        keys.create("late", user_id=ada.user, terms=Terms({"ai:complete"}), parent=believed.account)
    with pytest.raises(InvalidRequest):
        keyring.change(believed, child.key_id, keyring.Change(name="late"), Deadline.after(5))
    with pytest.raises(InvalidRequest):
        credentials.rotate(child.key_id, child.key_id, Deadline.after(5))


def test_a_key_that_expires_gives_its_expiry_on(inside: Platform) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    ada = someone(inside, expires_at=soon)
    child = ada.make()
    grandchild = child.make(expiresAt=(soon - timedelta(minutes=1)).isoformat())
    assert child.kept["expiresAt"] == int(soon.timestamp())
    assert grandchild.kept["expiresAt"] == int((soon - timedelta(minutes=1)).timestamp())


# ------------------------------------------------------------------------------------------------ in any order
amounts = st.sampled_from([None, 0, 0.5, 1, DAY, DAY + 1, MONTH, MONTH + 1, 1_000_000])
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "scopes": st.lists(st.sampled_from(sorted(callers.SCOPES)), min_size=1, max_size=6, unique=True),
    "monthlyBudget": amounts,
    "dailyCap": amounts,
    "requestsPerMinute": st.sampled_from([None, 1, 60, 61]),
    "tokensPerMinute": st.sampled_from([None, 1, 10_000, 10_001]),
    "models": st.sampled_from(
        [None, ["fast"], ["gpt-4.1-mini"], ["smart"], ["fast", "claude-opus-4-7"], ["claude-haiku-4-5"]]
    ),
    "expiresAt": st.sampled_from([None, EXPIRES, EXPIRES - timedelta(days=1), EXPIRES + timedelta(days=1)]).map(
        lambda at: at and at.isoformat()
    ),
}
wishes = st.lists(st.sampled_from(sorted(FIELDS)), unique=True, max_size=4).flatmap(
    lambda names: st.fixed_dictionaries({name: FIELDS[name] for name in names})
)
steps = st.lists(
    st.tuples(st.sampled_from(["make", "patch", "put", "rotate"]), st.integers(0, 9), st.integers(0, 9), wishes),
    min_size=1,
    max_size=12,
)


@dataclass
class Attacker:
    """Has the key that was bound, and every one that it could make of it."""

    held: list[Holder] = field(default_factory=list)
    done: int = 0

    def act(self, what: str, who: int, whom: int, wish: dict[str, Any]) -> None:
        holder, target = self.held[who % len(self.held)], self.held[whom % len(self.held)]
        path = f"/v1/auth/keys/{target.key_id}"
        method, place, body = {
            "make": ("POST", "/v1/auth/keys", {"name": "x", "scopes": list(SCOPES), "monthlyBudget": None} | wish),
            "patch": ("PATCH", path, wish),
            "put": ("PUT", "/v1/usage/budget", {"monthlyBudget": 1, "keyId": target.key_id} | _budgets(wish)),
            "rotate": ("POST", f"{path}/rotate", None),
        }[what]
        answer = holder.ask(method, place, json.dumps(body).encode() if body is not None else None)
        assert answer.status_code in (200, 201, 400, 401, 403, 404), answer.text
        self.done += answer.is_success
        if answer.is_success and "apiKey" in (told := answer.json()):
            self.held = [key for key in self.held if key.key_id != told["keyId"]]
            self.held.append(Holder(holder.platform, holder.user, told["keyId"], told["apiKey"]))


def _budgets(wish: dict[str, Any]) -> dict[str, Any]:
    return {name: wish[name] for name in ("monthlyBudget", "dailyCap") if name in wish}


def _line(holder: Holder) -> Iterator[dict[str, Any]]:
    """The accounts that pay for this key, its own first."""
    name: str | None = f"key:{holder.key_id}"
    while name:
        found = table.get(holder.platform.environment["BUDGETS_TABLE_NAME"], {"userId": name})
        assert found
        yield found
        name = found["parent"]


def check(holder: Holder) -> None:
    """It may no more than the key that the attacker began with."""
    kept = holder.kept
    assert set(kept["scopes"]) <= set(SCOPES)
    assert 0 < kept["requestsPerMinute"] <= 60
    assert 0 < kept["tokensPerMinute"] <= 10_000
    assert kept["expiresAt"] <= EXPIRES.timestamp()
    assert kept["models"] is not None
    assert _models(kept["models"]) <= _models(BOUNDS["models"])
    limits = [account["limits"] for account in _line(holder)]
    assert min(each["month"] for each in limits if "month" in each) <= MONTH * NANO
    assert min(each["day"] for each in limits if "day" in each) <= DAY * NANO


def _models(names: list[str]) -> set[str]:
    return {model.name for name in names for model in routing.resolve(name, catalog()).candidates}


def test_no_order_of_acts_gives_a_key_more_than_it_began_with(inside: Platform) -> None:
    done = []

    @given(steps)
    @settings(max_examples=25)
    def attacked(acts: list[tuple[str, int, int, dict[str, Any]]]) -> None:
        began = someone(inside, SCOPES, {"month": MONTH, "day": DAY}, expires_at=EXPIRES, **BOUNDS)
        attacker = Attacker([began])
        for act in acts:
            attacker.act(*act)
        for holder in attacker.held:
            check(holder)
        for below, above in _pairs(attacker.held):
            assert set(below["scopes"]) <= set(above["scopes"])
            assert _models(below["models"]) <= _models(above["models"])
            assert below["expiresAt"] <= above["expiresAt"]
        done.append(attacker.done)

    attacked()
    assert sum(done) > len(done), "else it was merely refused"


def _pairs(held: list[Holder]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each key with the one above it, as they are kept."""
    kept = {f"key:{holder.key_id}": holder.kept for holder in held}
    return ((each, kept[each["parent"]]) for each in kept.values() if each["parent"] in kept)
