"""Callers without a key, and the one purse that pays for all of them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from llm_core import budgets, gateway, public
from llm_core.accounts import standing, tree
from llm_core.aws import table
from llm_core.deadline import Deadline
from llm_core.errors import BudgetExceeded, InvalidRequest
from llm_core.messages import Message, Request, Text
from llm_core.payment import Allowance
from tests.conftest import Platform

HELLO = Request("claude-haiku-4-5", (Message("user", (Text("Hello"),)),), max_tokens=300)


def feature() -> str:
    return f"test-{uuid4().hex[:8]}"


@pytest.fixture
def purse(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> str:
    """A purse of this test's own."""
    name = f"public:{uuid4().hex[:12]}"
    monkeypatch.setattr(public, "PURSE", name)
    return name


def test_a_feature_is_a_caller_below_the_purse(purse: str) -> None:
    caller = public.caller(name := feature())
    assert (caller.key_id, caller.user_id) == (f"public-{name}", "public")
    assert [each.name for each in tree.lineage(caller.account)] == [caller.account, purse]
    assert tree.find(purse).limits == {"day": public.FIRST_DAILY}


def test_its_calls_are_paid_by_the_purse(purse: str) -> None:
    caller = public.caller(feature())
    answer = gateway.answer(HELLO, caller, Deadline.after(10))
    stands = standing.of(tree.find(purse), "day", time.time())
    assert stands.spent == answer.call.charged > 0
    assert stands.held == 0


def test_two_features_share_the_purse_and_what_an_operator_says_of_it_counts(purse: str) -> None:
    one, two = public.caller(feature()), public.caller(feature())
    gateway.answer(HELLO, one, Deadline.after(10))
    budgets.limited(purse, {"day": 1_000}, deadline=Deadline.after(5))
    for caller in (one, two):
        with pytest.raises(BudgetExceeded) as refused:
            gateway.answer(HELLO, caller, Deadline.after(10), gateway.Wishes(allowance=Allowance()))
        assert str(refused.value.details["limit_id"]).startswith(f"{purse}#")


def test_it_is_opened_once_even_if_all_come_at_once_and_looked_for_once_a_process(
    purse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = feature()
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: public.caller(name), range(8)))) == 1
    assert tree.find(purse).children == (f"key:public-{name}",)
    monkeypatch.setattr(table, "get", None)
    public.caller(name)


def test_an_operator_may_open_the_purse_before_anybody_comes(purse: str) -> None:
    budgets.opened(purse)
    budgets.limited(purse, {"day": 5}, deadline=Deadline.after(5))
    caller = public.caller(feature())
    assert tree.lineage(caller.account)[1].limits == {"day": 5}


def test_a_purse_stands_below_nobody(purse: str) -> None:
    with pytest.raises(InvalidRequest):
        budgets.opened(purse, parent="team:search")


def test_what_the_platform_asks_for_itself_has_a_purse_of_its_own(purse: str) -> None:
    caller = public.own(task := feature())
    assert (caller.account, caller.user_id) == (f"key:own-{task}", task)
    assert [each.name for each in tree.lineage(caller.account)] == [caller.account, f"user:{task}"]
    answer = gateway.answer(HELLO, caller, Deadline.after(10))
    assert standing.of(tree.find(f"user:{task}"), "day", time.time()).spent == answer.call.charged > 0
