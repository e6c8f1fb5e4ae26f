"""Which threshold a change of a window reaches: one item, or several shards that lend each other their limit."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from accounts.thresholds import Thresholds
from llm_core.accounts import tree
from llm_core.accounts.tree import Account
from llm_core.accounts.window import Window
from llm_core.aws import table
from llm_core.aws.writes import together
from llm_core.deadline import Deadline
from llm_core.settings import settings
from tests.conftest import Platform

USD = 10**9
LIMIT = 10 * USD


@pytest.fixture
def account(inside: Platform) -> str:
    """A name of this test's own; nothing is in the table about it, so its window stands for itself."""
    return f"user:{uuid4().hex[:12]}"


def window(
    account: str, spent: int, *, limit: int = LIMIT, held: int = 0, label: str = "2026-11", shard: int = 0
) -> Any:
    money = {"remaining": limit - held - spent, "held": held, "spent": spent}
    return Window(account, label, shard).item(limit) | money


def percent(account: str, before: int, after: int, **terms: Any) -> int:
    """Spent before and after, in cents of a limit of 10 USD, to the threshold reached."""
    found = Thresholds().reached(
        window(account, before * USD // 100, **terms), window(account, after * USD // 100, **terms)
    )
    return found.percent if found else 0


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (0, 499, 0),
        (499, 500, 50),
        (500, 501, 0),
        (500, 799, 0),
        (799, 800, 80),
        (800, 999, 0),
        (999, 1000, 100),
        (1000, 1100, 0),  # an overrun: nothing new about this window
        (0, 801, 80),
        (300, 1200, 100),
        (850, 780, 0),  # an estimate was corrected
        (780, 850, 80),
    ],
)
def test_a_threshold_is_reached_by_what_is_spent(account: str, before: int, after: int, told: int) -> None:
    assert percent(account, before, after) == told


def test_what_is_held_is_not_spent(account: str) -> None:
    old, new = window(account, 4 * USD), window(account, 4 * USD, held=6 * USD)
    assert Thresholds().reached(old, new) is None


def test_a_window_without_limit_has_no_thresholds(account: str) -> None:
    assert percent(account, 0, 1_000_000, limit=10**18) == 0


def test_a_new_window_has_reached_nothing(account: str) -> None:
    assert Thresholds().reached({}, window(account, 0)) is None


def test_one_that_comes_with_a_part_spent_has(account: str) -> None:
    found = Thresholds().reached({}, window(account, 6 * USD))
    assert found is not None
    assert found.percent == 50


def test_a_lowered_limit_reaches_and_a_raised_one_does_not(account: str) -> None:
    spent = 6 * USD
    lowered = Thresholds().reached(window(account, spent, limit=20 * USD), window(account, spent, limit=7 * USD))
    assert lowered is not None
    assert (lowered.percent, lowered.limit) == (80, 7 * USD)
    assert Thresholds().reached(window(account, spent, limit=7 * USD), window(account, spent, limit=10 * USD)) is None


def test_accounts_and_other_items_of_the_table_are_passed_over(account: str) -> None:
    assert Thresholds().reached({}, {"userId": account, "limits": {"month": LIMIT}, "shards": 1}) is None
    assert Thresholds().reached({}, {"userId": "overrun:complete openai/x", "since": 1, "cost": 2}) is None


# ------------------------------------------------------------------------------------------- shards
def keep(item: dict[str, Any]) -> dict[str, Any]:
    table.put_new(settings().budgets_table_name, item, key="userId")
    return item


def sharded(account: str, *spent: float, kind: str = "month", label: str = "2026-11", limits: Any = None) -> list[Any]:
    """An account with 10 USD in as many shards as are given, each having spent so many USD."""
    limit = LIMIT // len(spent)
    opened = Account(account, limits=limits or {kind: LIMIT}, shards=len(spent))
    together(tree.opening(opened), Deadline.after(10))
    amounts = [round(amount * USD) for amount in spent]
    return [keep(window(account, amount, limit=limit, label=label, shard=n)) for n, amount in enumerate(amounts)]


def before(item: dict[str, Any], cents: int = 10) -> dict[str, Any]:
    return {**item, "spent": item["spent"] - cents * USD // 100}


def test_shards_are_one_window(account: str) -> None:
    # Given four shards of 2.50 USD: one is nearly spent, the others have some left, 4.90 + 0.10 in all.
    first, *_ = sharded(account, 2.4, 1, 1, 0.6)
    found = Thresholds().reached(before(first), first)
    assert found is not None
    assert (found.percent, found.spent, found.limit) == (50, 5 * USD, LIMIT)


def test_a_full_shard_is_not_a_full_window(account: str) -> None:
    first, *_ = sharded(account, 2.5, 0, 0, 0)
    assert Thresholds().reached(before(first), first) is None


def test_a_threshold_that_two_shards_pass_at_once_is_not_missed(account: str) -> None:
    """Either's change, read beside what the other is by now, looks as if the threshold had been passed before."""
    first, second = sharded(account, 3, 3)
    batch = Thresholds()
    told = [batch.reached(before(item, 200), item) for item in (first, second)]
    assert [found.percent for found in told if found] == [50]


def test_a_limit_that_is_lent_while_it_is_read_does_not_count_twice(account: str) -> None:
    first, second = sharded(account, 4, 0)
    # Half of the second shard's limit was seen in the first already: 7.50 + 5 USD.
    lent = {**first, "limit": first["limit"] + 25 * USD // 10}
    assert Thresholds().reached(before(lent), lent) is None
    assert second["limit"] == 5 * USD


@pytest.mark.parametrize(("kind", "label"), [("day", "2026-11-21"), ("total", "total"), ("month", "2026-11")])
def test_shards_have_the_limit_of_their_kind_of_window(account: str, kind: str, label: str) -> None:
    limits = {"day": USD, "month": USD, "total": USD, kind: LIMIT}
    first, _ = sharded(account, 3, 3, kind=kind, label=label, limits=limits)
    found = Thresholds().reached(before(first), first)
    assert found is not None
    assert (found.percent, found.limit, found.window) == (50, LIMIT, label)


def test_shards_of_a_window_without_limit_have_no_thresholds(account: str) -> None:
    first, _ = sharded(account, 900, 900, limits={"day": USD})
    assert Thresholds().reached(before(first), {**first, "limit": 10**18 // 2}) is None


def test_a_batch_reads_each_account_and_its_shards_once(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    items = sharded(account, 1, 1, 1, 1)
    reads: list[Any] = []
    get = table.get

    def counted(name: str, key: dict[str, Any]) -> Any:
        reads.append(key)
        return get(name, key)

    monkeypatch.setattr(table, "get", counted)
    batch = Thresholds()
    for item in items * 25:
        batch.reached(before(item), item)
    assert len(reads) == 1 + 4
