"""Accounts of users, teams and organisations: opened once, where they belong, and limited at once."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from llm_core import budgets
from llm_core.accounts import tree
from llm_core.aws import table
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest, NotFound
from llm_core.settings import settings
from tests.conftest import Platform


@pytest.fixture
def name(inside: Platform) -> str:
    return secrets.token_hex(6)


def acts(partition: str) -> list[str]:
    rows = table.query(settings().audit_table_name, {"account": partition}, between=("at", "0", "9"))
    return [row["what"] for row in rows]


def test_an_account_is_opened_once_and_found_after_that(name: str) -> None:
    budgets.opened(f"org:{name}")
    budgets.opened(f"team:{name}", parent=f"org:{name}", shards=3)
    for _ in range(2):
        assert budgets.opened(f"user:{name}", parent=f"team:{name}").name == f"user:{name}"
    assert budgets.opened(f"user:{name}").parent == f"team:{name}", "who does not say where finds it where it is"
    assert [(each.name, each.shards) for each in tree.lineage(f"user:{name}")] == [
        (f"user:{name}", 1),
        (f"team:{name}", 3),
        (f"org:{name}", 1),
    ]
    assert acts(name) == ["account.open"]
    assert acts(f"team:{name}") == ["account.open"]


def test_of_many_who_open_it_one_does(name: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: budgets.opened(f"user:{name}"), range(8)))
    assert {account.name for account in found} == {f"user:{name}"}
    assert acts(name) == ["account.open"]


@pytest.mark.parametrize(
    ("account", "parent"),
    [
        ("user:{}", "user:x"),
        ("team:{}", "user:x"),
        ("org:{}", "team:x"),
        ("key:{}", None),
        ("run:{}", "user:x"),
        ("{}", None),
    ],
)
def test_an_account_stands_where_its_kind_may(name: str, account: str, parent: str | None) -> None:
    with pytest.raises(InvalidRequest):
        budgets.opened(account.format(name), parent=parent)


def test_it_does_not_move_and_is_not_split_anew(name: str) -> None:
    budgets.opened(f"user:{name}")
    with pytest.raises(InvalidRequest, match="do not move"):
        budgets.opened(f"user:{name}", parent=f"team:{name}")
    with pytest.raises(InvalidRequest, match="split over 1"):
        budgets.opened(f"user:{name}", shards=2)
    with pytest.raises(NotFound):
        budgets.opened(f"user:{name}-2", parent=f"team:nobody-{name}")


def test_a_limit_is_written_down_before_and_after(name: str) -> None:
    budgets.opened(f"team:{name}")
    assert budgets.limited(f"team:{name}", {"month": 5 * 10**9, "day": 10**9}, deadline=Deadline.after(5)).limits
    budgets.limited(f"team:{name}", {"month": None}, deadline=Deadline.after(5))
    rows = list(table.query(settings().audit_table_name, {"account": f"team:{name}"}, between=("at", "0", "9")))
    assert [(row["before"]["limits"], row["after"]["limits"]) for row in rows[1:]] == [
        ({}, {"monthlyBudget": "5", "dailyCap": "1"}),
        ({"monthlyBudget": "5", "dailyCap": "1"}, {"dailyCap": "1"}),
    ]
    with pytest.raises(NotFound):
        budgets.limited(f"team:nobody-{name}", {"month": 1}, deadline=Deadline.after(5))
