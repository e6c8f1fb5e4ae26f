"""How an account stands: by its windows, or, where none has begun, by its limits alone."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime

import pytest

from llm_core.accounts import opening, standing, tree, window
from llm_core.accounts.tree import Account
from llm_core.accounts.window import Window
from llm_core.aws.writes import together, update
from llm_core.deadline import Deadline
from tests.conftest import Platform

NOW = datetime(2026, 11, 20, 13, tzinfo=UTC).timestamp()


@pytest.fixture(params=[1, 3])
def account(inside: Platform, request: pytest.FixtureRequest) -> Account:
    opened = Account(f"team:{secrets.token_hex(6)}", None, {"month": 100, "day": 10}, shards=request.param)
    together(tree.opening(opened), Deadline.after(5))
    return opened


def test_before_its_first_call_nothing_is_spent(account: Account) -> None:
    month, day = standing.of_all([account], NOW)
    assert (month.label, month.limit, month.spent, month.held, month.remaining) == ("2026-11", 100, 0, 0, 100)
    assert (day.label, day.limit, day.end) == ("2026-11-20", 10, datetime(2026, 11, 21, tzinfo=UTC))


def test_all_shards_count(account: Account) -> None:
    opening.begin(account.name, "2026-11", Deadline.after(5))
    for shard in range(account.shards):
        moved = {":spent": 2, ":held": 3, ":both": 5}
        change = "SET #spent = #spent + :spent, #held = #held + :held, #remaining = #remaining - :both"
        update(Window(account.name, "2026-11", shard).write(change, "", moved), Deadline.after(5))
    month = standing.of(account, "month", NOW)
    assert (month.spent, month.held, month.remaining) == (
        2 * account.shards,
        3 * account.shards,
        100 - 5 * account.shards,
    )


def test_without_a_limit_there_is_no_rest_and_below_a_lowered_one_none_is_left(account: Account) -> None:
    free = standing.of(Account(account.name, shards=account.shards), "month", NOW)
    assert (free.limit, free.remaining) == (None, None)
    assert standing.Standing("a", "month", "2026-11", None, 5, spent=7).remaining == 0


def test_a_total_has_no_end(account: Account) -> None:
    total = standing.of(account, "total", time.time())
    assert (total.label, total.end) == (window.label("total", NOW), None)
