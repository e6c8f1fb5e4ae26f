"""A window's first moment: with the limits of that moment, once, whoever comes first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from llm_core.accounts import limits, opening, tree
from llm_core.accounts.tree import Account
from llm_core.accounts.window import UNLIMITED, Window
from llm_core.aws.writes import Write, update
from llm_core.errors import BudgetExceeded, BudgetHeld, DeadlineExceeded, NotFound
from tests.llm_core.accounts.books import MONTH, Books, Clock, soon, take
from tests.races.conftest import Strict


def test_a_window_begins_with_the_accounts_limit(books: Books) -> None:
    books.open("team:t", month=1_000, day=70)
    for label, limit in ((MONTH, 1_000), ("2026-11-21", 70), ("total", UNLIMITED)):
        opening.begin("team:t", label, soon())
        assert books.standing("team:t", label).limit == limit


@pytest.mark.parametrize(("shards", "parts"), [(1, [1_000]), (3, [334, 333, 333]), (4, [250] * 4)])
def test_the_limit_is_split_over_the_shards_to_the_last_nano(books: Books, shards: int, parts: list[int]) -> None:
    books.open("team:t", shards=shards, month=1_000)
    opening.begin("team:t", MONTH, soon())
    assert [item["limit"] for item in books.shards("team:t")] == parts


@pytest.mark.parametrize(("amount", "shards"), [(0, 3), (1, 3), (UNLIMITED, 7)])
def test_parts_are_the_whole(amount: int, shards: int) -> None:
    parts = opening.parts(amount, shards)
    assert (sum(parts), len(parts), min(parts) >= 0) == (amount, shards, True)


def test_a_window_begins_once(books: Books) -> None:
    books.open("team:t", month=1_000)
    books.open("key:k", "team:t")
    hold = take("key:k", 300)
    opening.begin("team:t", MONTH, soon())
    assert (books.standing("team:t").held, hold.amount) == (300, 300)


def test_only_a_keys_window_knows_who_else_pays(books: Books) -> None:
    books.open("team:t", month=1_000)
    books.open("key:k", "team:t", day=50)
    for account in ("key:k", "team:t"):
        opening.begin(account, MONTH, soon())
    (key,), (team,) = books.shards("key:k"), books.shards("team:t")
    assert [(each["account"], each["kind"]) for each in key["chain"]] == [("key:k", "day"), ("team:t", "month")]
    assert (key["heldCap"], key["lineVersion"]) == (200, 2)
    assert not {"chain", "heldCap", "requests"} & set(team)


def test_nothing_begins_without_its_account(books: Books) -> None:
    with pytest.raises(NotFound):
        opening.begin("team:nobody", MONTH, soon())


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Something happens between the look at the accounts and the window's first moment; once."""

    def happens(what: Callable[[], object]) -> None:
        looked, pending = tree.lineage, [what]

        def lineage(name: str) -> list[Account]:
            found = looked(name)
            if pending:
                pending.pop()()
            return found

        monkeypatch.setattr(tree, "lineage", lineage)

    return happens


def test_a_limit_that_changes_at_that_moment_is_not_missed(
    books: Books, meanwhile: Callable[[Callable[[], object]], None], clock: Clock
) -> None:
    """Given a look at a limit of 1,000, when it is lowered to 10 before the window begins, then it begins with 10."""
    books.open("team:t", month=1_000)
    meanwhile(lambda: limits.change("team:t", {"month": 10}, lambda _before, _after: [], soon()))
    opening.begin("team:t", MONTH, soon())
    assert books.standing("team:t").limit == 10


def test_a_limit_above_that_is_first_set_at_that_moment_is_not_missed_either(
    books: Books, meanwhile: Callable[[Callable[[], object]], None], clock: Clock
) -> None:
    books.open("team:t")
    books.open("key:k", "team:t")
    meanwhile(lambda: limits.change("team:t", {"day": 10}, lambda _before, _after: [], soon()))
    opening.begin("key:k", MONTH, soon())
    (item,) = books.shards("key:k")
    assert [(each["account"], each["kind"]) for each in item["chain"]] == [("team:t", "day")]
    with pytest.raises(BudgetExceeded):
        take("key:k", 11)


def test_whoever_looks_in_vain_for_too_long_gives_up(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that changes at every look: nothing is opened against a limit that is not its last."""
    books.open("team:t", month=1_000)
    looked = tree.lineage

    def lineage(name: str) -> list[Account]:
        found = looked(name)
        bump = Write(books.budgets, {"userId": name}, "SET #version = #version + :one", values={":one": 1})
        update(bump, soon())
        return found

    monkeypatch.setattr(tree, "lineage", lineage)
    with pytest.raises(DeadlineExceeded):
        opening.begin("team:t", MONTH, soon(0.3))
    assert Window("team:t", MONTH).read() is None


@pytest.mark.parametrize("shards", [1, 3])
def test_many_calls_that_find_no_window_make_one_and_no_more_is_held_than_fits(
    books: Books, behind: Strict, shards: int
) -> None:
    """Ten of 100 each, at a limit of 700, on windows that nobody has opened, over a DynamoDB that cancels overlapping
    transactions."""
    behind.suffer(hold_back_s=0.02)
    books.open("team:t", shards=shards, month=700)
    for number in range(10):
        books.open(f"key:{number}", "team:t")

    def held(number: int) -> bool:
        try:
            take(f"key:{number}", 100)
        except BudgetHeld:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        admitted = sum(pool.map(held, range(10)))
    assert admitted == 7
    assert books.standing("team:t").held == 700
    assert books.standing("team:t").limit == 700
