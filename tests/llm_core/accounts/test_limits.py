"""A limit changes: at once, everywhere, whatever else happens to its windows meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from llm_core.accounts import limits, opening, shards, steps, sweeper, tree
from llm_core.accounts.steps import Entry
from llm_core.accounts.tree import Account
from llm_core.accounts.window import Window
from llm_core.aws.table import Item
from llm_core.aws.writes import Write, new
from llm_core.errors import BudgetExceeded, BudgetHeld, InvalidRequest, NotFound
from tests.llm_core.accounts.books import DAY, LEASE, MONTH, NOW, USER, Books, Clock, soon, take, wanted
from tests.races.conftest import Strict

TURN = NOW + (9 * 24 + 12) * 3600 - 30  # midnight before the first of December


@pytest.fixture(autouse=True)
def _now(clock: Clock) -> None:
    """Every limit here is changed at books.NOW, unless a test moves the clock."""


def change(account: str, **to: int | None) -> Account:
    kinds: dict[Any, int | None] = dict(to)
    return limits.change(account, kinds, lambda _before, _after: [], soon())


# ------------------------------------------------------------------------------------------- at once


def test_a_limit_that_is_raised_counts_at_once(books: Books) -> None:
    books.open("key:k", month=100)
    take("key:k", 60).settle(60)
    with pytest.raises(BudgetExceeded):
        take("key:k", 50)
    after = change("key:k", month=110)
    assert (after.limits, after.version) == ({"month": 110}, 2)
    take("key:k", 50)
    assert books.standing("key:k").remaining == 0


def test_a_limit_that_is_lowered_counts_at_once_and_what_is_spent_stays_spent(books: Books) -> None:
    books.open("key:k", month=100)
    take("key:k", 60).settle(60)
    change("key:k", month=70)
    with pytest.raises(BudgetExceeded):
        take("key:k", 11)
    take("key:k", 10)


def test_below_what_is_spent_and_held_nothing_is_admitted_until_it_fits(books: Books) -> None:
    books.open("key:k", month=100)
    take("key:k", 40).settle(40)
    hold = take("key:k", 50)
    change("key:k", month=60)
    assert books.standing("key:k").remaining == -30
    with pytest.raises(BudgetHeld) as refused:
        take("key:k", 1)
    assert refused.value.details["remaining"] == "0", "nobody is told of a debt"
    hold.settle(10)
    take("key:k", 10)
    with pytest.raises(BudgetHeld):
        take("key:k", 1)


def test_a_limit_that_is_taken_away_bounds_nothing_any_more_and_spending_goes_on_being_counted(books: Books) -> None:
    books.open("key:k", month=100)
    take("key:k", 60).settle(60)
    assert change("key:k", month=None).limits == {}
    hold = take("key:k", 10**12)
    assert hold.balance is None
    hold.settle(10**12)
    change("key:k", month=10**12 + 61)
    take("key:k", 1)
    with pytest.raises(BudgetHeld):
        take("key:k", 1)


def test_what_is_not_named_stays_as_it_is(books: Books) -> None:
    books.open("key:k", month=100, day=50)
    assert change("key:k", total=1_000).limits == {"month": 100, "day": 50, "total": 1_000}
    assert change("key:k", day=None).limits == {"month": 100, "total": 1_000}


@pytest.mark.parametrize("wrong", [-1, tree.MAX_LIMIT + 1])
def test_a_limit_that_is_none_is_refused(books: Books, wrong: int) -> None:
    books.open("key:k", month=100)
    with pytest.raises(InvalidRequest):
        change("key:k", month=wrong)
    with pytest.raises(NotFound):
        change("key:nobody", month=1)


def test_the_act_is_written_down_in_the_same_transaction(books: Books) -> None:
    """Or nothing happens at all."""
    books.open("key:k", month=100)

    def audit(before: Account, after: Account) -> list[Write]:
        row = {"userId": "audit", "before": before.limits["month"], "after": after.limits["month"]}
        return [new(books.budgets, row, key="userId")]

    limits.change("key:k", {"month": 50}, audit, soon())
    assert tree.find("key:k").limits == {"month": 50}
    with pytest.raises(Exception, match="time for this request is over"):
        limits.change("key:k", {"month": 10}, audit, soon(0.3))
    assert tree.find("key:k").limits == {"month": 50}


# ------------------------------------------------------------------------------------------- those below


def test_whoever_dies_between_a_change_and_telling_it_is_finished_by_the_sweeper(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the team's first limit would bind none of its keys that have called this month."""
    books.open("team:t")
    books.open("key:a", "team:t")
    take("key:a", 50).settle(50)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(limits, "tell", killed)
        with pytest.raises(KeyboardInterrupt):
            change("team:t", month=100)
    take("key:a", 200).settle(0)
    assert sweeper.sweep(NOW, soon(20)).told == 1
    with pytest.raises(BudgetExceeded):
        take("key:a", 200)
    assert sweeper.sweep(NOW, soon(20)).told == 0, "it is told once"


def test_a_change_that_was_told_leaves_nothing_to_the_sweeper(books: Books) -> None:
    books.open("team:t")
    change("team:t", month=100)
    assert sweeper.sweep(NOW, soon(20)).told == 0


def test_a_call_that_costs_nothing_may_be_the_first_of_its_windows(books: Books) -> None:
    books.open("team:t", month=100)
    books.open("key:a", "team:t")
    take("key:a", 0).settle(0)
    assert books.standing("team:t").limit == 100


def test_a_call_that_costs_nothing_is_not_refused_by_a_limit_that_was_lowered(books: Books) -> None:
    """With a provider's key of one's own, say; neither by the key's money nor by anybody's above it."""
    books.open("team:t", month=100)
    books.open("key:a", "team:t", month=100)
    take("key:a", 20).settle(20)
    change("team:t", month=10)
    change("key:a", month=10)
    take("key:a", 0).settle(0)
    with pytest.raises(BudgetExceeded):
        take("key:a", 1)


def test_a_limit_that_is_first_set_in_the_middle_of_a_month_binds_every_key_below(books: Books) -> None:
    books.open("org:o")
    books.open("team:t", "org:o")
    for name in ("key:a", "key:b"):
        books.open(name, "team:t")
    books.open("key:c", "key:b")
    for name in ("key:a", "key:b", "key:c"):
        take(name, 500).settle(500)
    change("org:o", day=100)
    for name in ("key:a", "key:b", "key:c"):
        with pytest.raises(BudgetExceeded) as refused:
            take(name, 101)
        assert refused.value.details["limit_id"] == f"org:o#{DAY}"
    change("org:o", day=None)
    take("key:c", 101)


def test_a_key_that_is_made_while_the_limit_above_it_changes_is_bound_too(books: Books) -> None:
    """Its window may have begun by the old limits: between the change's look at the children and its write."""
    books.open("team:t")

    def meanwhile(_before: Account, _after: Account) -> list[Write]:
        if "key:late" not in tree.find("team:t").children:
            books.open("key:late", "team:t")
            take("key:late", 1).settle(1)
        return []

    limits.change("team:t", {"month": 100}, meanwhile, soon())
    with pytest.raises(BudgetExceeded):
        take("key:late", 101)


def test_of_two_changes_above_a_key_it_knows_the_later_in_the_end(books: Books) -> None:
    books.open("org:o", month=10_000)
    books.open("team:t", "org:o", month=5_000)
    books.open("key:k", "team:t")
    take("key:k", 1)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: change("org:o" if n % 2 else "team:t", month=10_000 + n), range(12)))
    (item,) = books.shards("key:k")
    told = opening.payers(tree.lineage("key:k"))
    assert (item["heldCap"], item["chain"], item["lineVersion"]) == (
        told["heldCap"], told["chain"], told["lineVersion"],
    )  # fmt: skip
    assert books.standing("org:o").limit == tree.find("org:o").limit("month")
    assert books.standing("team:t").limit == tree.find("team:t").limit("month")


# ------------------------------------------------------------------------------------------- at the turn of a window


def test_near_the_end_of_a_month_the_next_may_have_begun_elsewhere_and_moves_too(books: Books, clock: Clock) -> None:
    """A clock elsewhere is two minutes ahead."""
    books.open("key:k", month=100)
    take("key:k", 10, now=TURN + 60)
    clock.now = TURN - 60
    change("key:k", month=20)
    assert [books.standing("key:k", label).limit for label in ("2026-12",)] == [20]
    with pytest.raises(BudgetHeld):
        take("key:k", 11, now=TURN + 60)


def test_right_after_the_turn_the_last_month_may_still_be_charged_elsewhere_and_moves_too(
    books: Books, clock: Clock
) -> None:
    """A clock elsewhere is two minutes behind: it must not admit against the old limit."""
    books.open("key:k", month=100)
    take("key:k", 10, now=TURN - 60)
    clock.now = TURN + 60
    change("key:k", month=20)
    with pytest.raises(BudgetHeld):
        take("key:k", 11, now=TURN - 60)


def test_a_window_that_begins_while_its_limit_changes_has_the_new_one(books: Books) -> None:
    books.open("key:k", month=100)

    def meanwhile(_before: Account, _after: Account) -> list[Write]:
        opening.begin("key:k", MONTH, soon())
        return []

    limits.change("key:k", {"month": 30}, meanwhile, soon())
    assert books.standing("key:k").limit == 30


# ------------------------------------------------------------------------------------------- in the thick of it


@pytest.mark.parametrize("count", [1, 3])
def test_a_limit_moves_up_and_down_under_calls_and_is_never_exceeded(books: Books, behind: Strict, count: int) -> None:
    behind.suffer(hold_back_s=0.005)
    books.open("team:t", shards=count, month=1_000)
    for number in range(6):
        books.open(f"key:{number}", "team:t")

    def call(number: int) -> None:
        for _ in range(4):
            try:
                hold = take(f"key:{number}", 90)
            except (BudgetHeld, BudgetExceeded):
                continue
            hold.settle(35)

    with ThreadPoolExecutor(7) as pool:
        calls = [pool.submit(call, number) for number in range(6)]
        for to in (400, 1_500, 500, 600):
            change("team:t", month=to)
        for each in calls:
            each.result()
    standing = books.standing("team:t")
    assert (standing.limit, standing.held) == (600, 0)
    assert standing.spent <= 1_500


@pytest.mark.parametrize(("to", "held"), [(900, 0), (1_200, 0), (600, 0), (500, 700)])
def test_shards_that_gather_while_the_limit_is_read_do_not_change_what_it_becomes(
    books: Books, monkeypatch: pytest.MonkeyPatch, to: int, held: int
) -> None:
    """Between two looks a shard has given to another: what was read is the sum of no instant."""
    books.open("team:t", shards=3, month=900)
    opening.begin("team:t", MONTH, soon())
    if held:
        shards.hold("team:t", MONTH, 3, wanted(held), soon())
    read, pending = Window.read, [True]

    def reading(place: Window) -> Item | None:
        found = read(place)
        if pending and place.shard == 0:
            pending.pop()
            shards.hold("team:t", MONTH, 3, wanted(900 - held), soon())
        return found

    monkeypatch.setattr(Window, "read", reading)
    change("team:t", month=to)
    monkeypatch.setattr(Window, "read", read)
    assert books.standing("team:t").limit == to


def test_every_nano_of_a_raised_limit_arrives(books: Books) -> None:
    books.open("team:t", shards=3, month=100)
    opening.begin("team:t", MONTH, soon())
    change("team:t", month=107)
    assert [item["limit"] for item in books.shards("team:t")] == [37, 35, 35]
    assert shards.hold("team:t", MONTH, 3, wanted(107), soon())


def test_a_shard_that_was_overrun_is_in_nobodys_way(books: Books) -> None:
    """Its rest is below zero; the others have enough to give, and nothing can be taken from it."""
    books.open("team:t", shards=3, month=900)
    place, _ = shards.hold("team:t", MONTH, 3, wanted(100, "gen-1"), soon())
    steps.settle(place, "gen-1", Entry(100, LEASE, USER), 350, soon())
    change("team:t", month=600)
    assert books.standing("team:t").limit == 600
    change("team:t", month=100)
    assert (books.standing("team:t").limit, books.standing("team:t").remaining) == (100, -250)
    change("team:t", month=500)
    assert books.standing("team:t").remaining == 150
