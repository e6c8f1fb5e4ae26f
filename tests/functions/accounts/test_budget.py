"""The budget's door, over HTTP: what a key may still spend, and who may say how much."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from llm_core import keys
from llm_core.accounts import limits, tree
from llm_core.accounts.window import Kind
from llm_core.aws.writes import Write, together
from llm_core.deadline import Deadline
from tests.conftest import Platform
from tests.functions.accounts.holder import NANO, Holder, someone

PATH = "/v1/usage/budget"


@pytest.fixture
def ada(inside: Platform) -> Holder:
    return someone(inside)


def allow(account: str, amounts: dict[Kind, int]) -> None:
    """The operator sets limits, in USD."""
    nano: dict[Kind, int | None] = {kind: amount * NANO for kind, amount in amounts.items()}
    limits.change(account, nano, _unaudited, Deadline.after(10))


def _unaudited(_before: tree.Account, _after: tree.Account) -> list[Write]:
    return []


# ------------------------------------------------------------------------------------------------ reading
def test_a_window_that_has_not_begun_has_its_accounts_limit_and_nothing_spent(ada: Holder) -> None:
    child = ada.make(monthlyBudget=50, dailyCap=5)
    told = child.told("GET", PATH)
    now = datetime.now(UTC)
    assert (told["keyId"], told["monthlyBudget"], told["dailyCap"]) == (child.key_id, 50.0, 5.0)
    assert (told["spent"], told["reserved"], told["remaining"], told["alerts"]) == (0.0, 0.0, 50.0, [])
    assert told["period"] == now.strftime("%Y-%m")
    assert datetime.fromisoformat(told["resetsAt"]) == (now.replace(day=1) + timedelta(days=32)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    assert [(each["account"], each["limit"]) for each in told["accounts"]] == [
        (f"key:{child.key_id}", 50.0),
        (f"key:{child.key_id}", 5.0),
    ]


def test_every_limit_that_pays_is_told_with_what_is_left_of_it(ada: Holder) -> None:
    allow(f"user:{ada.user}", {"month": 3, "day": 2})
    child = ada.make(monthlyBudget=1)
    assert child.hello().status_code == 200
    assert ada.hello().status_code == 200
    told = child.told("GET", PATH)
    own, month, day = told["accounts"]
    assert [each["account"] for each in told["accounts"]] == [f"key:{child.key_id}", *[f"user:{ada.user}"] * 2]
    assert own["spent"] == told["spent"] > 0
    assert month["spent"] == day["spent"] == pytest.approx(2 * own["spent"])
    for each, limit in ((own, 1), (month, 3), (day, 2)):
        assert (each["limit"], each["reserved"]) == (limit, 0.0)
        assert each["remaining"] == pytest.approx(limit - each["spent"])
    assert day["period"] == datetime.now(UTC).strftime("%Y-%m-%d")


def test_the_shards_of_a_window_are_told_as_one(ada: Holder) -> None:
    shared = f"team:{ada.user}"
    together(tree.opening(tree.Account(shared, None, {"month": 3 * NANO}, shards=4)), Deadline.after(10))
    member = f"member-of-{ada.user}"
    keys.open_user(member, shared)
    key = someone(ada.platform, user=member)
    for _ in range(6):
        assert key.hello().status_code == 200
    (team,) = key.told("GET", PATH)["accounts"]
    assert team["account"] == shared
    assert team["spent"] == key.told("GET", PATH)["spent"] > 0
    assert team["remaining"] == pytest.approx(3 - team["spent"])


@pytest.mark.parametrize(("percent", "alerts"), [(210, []), (190, [50]), (120, [50, 80]), (90, [50, 80, 100])])
def test_the_thresholds_that_were_reached_are_named(ada: Holder, percent: int, alerts: list[int]) -> None:
    child = ada.make(monthlyBudget=1)
    assert child.hello().status_code == 200
    budget = round(child.told("GET", PATH)["spent"] * percent / 100, 9)
    told = child.told("PUT", PATH, {"monthlyBudget": budget})
    assert told["alerts"] == alerts
    assert told["remaining"] == pytest.approx(max(budget - told["spent"], 0))


# ------------------------------------------------------------------------------------------------ setting
def test_a_key_lowers_its_own_budget_and_it_counts_at_once(ada: Holder) -> None:
    child = ada.make(monthlyBudget=5)
    assert child.hello().status_code == 200
    told = child.told("PUT", PATH, {"monthlyBudget": 0, "dailyCap": 2.5})
    assert (told["monthlyBudget"], told["dailyCap"], told["remaining"]) == (0.0, 2.5, 0.0)
    refused = child.hello()
    assert (refused.status_code, refused.json()["limit"]) == (402, "0")
    assert child.told("GET", PATH) == child.told("GET", PATH)


def test_what_is_not_named_stays_and_null_is_no_budget_of_its_own(ada: Holder) -> None:
    child = ada.make(monthlyBudget=5, dailyCap=1)
    told = ada.told("PUT", PATH, {"monthlyBudget": None, "keyId": child.key_id})
    assert (told["keyId"], told["monthlyBudget"], told["remaining"], told["dailyCap"]) == (
        child.key_id,
        None,
        None,
        1.0,
    )
    told = ada.told("PUT", PATH, {"monthlyBudget": 4, "dailyCap": None, "keyId": child.key_id})
    assert (told["monthlyBudget"], told["dailyCap"]) == (4.0, None)


BAD: dict[str, Any] = {
    "nothing": {},
    "only a cap": {"dailyCap": 1},
    "below zero": {"monthlyBudget": -0.01},
    "text": {"monthlyBudget": "1"},
    "an unknown field": {"monthlyBudget": 1, "weeklyBudget": 1},
    "an account": {"monthlyBudget": 1, "account": "user:root"},
    "a key that is a number": {"monthlyBudget": 1, "keyId": 7},
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_body_changes_nothing(ada: Holder, case: str) -> None:
    assert ada.refused("PUT", PATH, json.dumps(BAD[case]).encode(), status=400)
    assert ada.told("GET", PATH)["monthlyBudget"] is None


def test_scopes_are_asked_for_and_named(inside: Platform) -> None:
    reader, writer = someone(inside, {"usage:read"}), someone(inside, {"budget:write"})
    assert reader.told("PUT", PATH, {"monthlyBudget": 1}, 403)["required_scope"] == "budget:write"
    assert writer.told("GET", PATH, status=403)["required_scope"] == "usage:read"
    assert writer.told("PUT", PATH, {"monthlyBudget": 1})["monthlyBudget"] == 1.0


def test_a_budget_that_was_set_is_written_down(ada: Holder) -> None:
    ada.told("PUT", PATH, {"monthlyBudget": 12.5})
    (act,) = (act for act in ada.acts if act["what"] == "key.change")
    assert (act["by"], act["subject"]) == (ada.key_id, ada.key_id)
    assert (act["before"]["limits"], act["after"]["limits"]) == ({}, {"monthlyBudget": "12.5"})
