"""A window in shards: what is left in all of them together can be held, and no more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from llm_core.accounts import limits, opening, shards
from llm_core.accounts.window import Window
from llm_core.aws.writes import update
from llm_core.errors import BudgetExceeded, BudgetHeld, NotFound
from tests.llm_core.accounts.books import MONTH, Books, Clock, soon, take, wanted
from tests.races.conftest import Strict

TEAM = "team:t"


@pytest.fixture
def team(books: Books) -> Books:
    """900 nano-USD in three shards, 300 each; ten keys below."""
    books.open(TEAM, shards=3, month=900)
    for number in range(10):
        books.open(f"key:{number}", TEAM)
    opening.begin(TEAM, MONTH, soon())
    return books


def shard(books: Books, number: int) -> Any:
    return books.shards(TEAM)[number]


def test_calls_spread_over_the_shards_and_are_refused_only_when_none_has_room(team: Books) -> None:
    for number in range(9):
        take(f"key:{number}", 100)
    assert [item["held"] for item in team.shards(TEAM)] == [300, 300, 300]
    with pytest.raises(BudgetHeld) as refused:
        take("key:9", 1)
    assert refused.value.details["limit"] == "0.0000009", "the whole limit, not a shard's"


@pytest.mark.parametrize("amount", [301, 600, 900])
def test_what_no_shard_has_alone_is_gathered(team: Books, amount: int) -> None:
    take("key:1", amount)
    assert team.standing(TEAM).held == amount
    assert team.standing(TEAM).limit == 900


def test_what_all_together_do_not_have_is_refused_with_what_all_have(team: Books) -> None:
    take("key:1", 200).settle(200)
    take("key:2", 100)
    with pytest.raises(BudgetExceeded) as refused:
        take("key:3", 701)
    assert (refused.value.details["remaining"], refused.value.remaining) == ("0.0000006", 600)
    with pytest.raises(BudgetHeld):
        take("key:3", 601)
    take("key:4", 600)
    assert team.standing(TEAM).remaining == 0


def test_gathering_costs_nobody_what_is_held_elsewhere(team: Books) -> None:
    held = [take(f"key:{number}", 100) for number in range(6)]
    take("key:7", 300)
    for hold in held:
        assert hold.settle(40) == {}
    assert (team.standing(TEAM).spent, team.standing(TEAM).held) == (240, 300)


def test_many_who_gather_at_once_are_admitted_as_far_as_it_goes(team: Books, behind: Strict) -> None:
    """Each wants more than a shard has; each gathering is a transaction on all three, which cancel each other."""
    behind.suffer(hold_back_s=0.01)

    def held(number: int) -> bool:
        try:
            shards.hold(TEAM, MONTH, 3, wanted(220), soon(10))
        except (BudgetHeld, BudgetExceeded):
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        admitted = sum(pool.map(held, range(8)))
    assert admitted == 4
    assert (team.standing(TEAM).held, team.standing(TEAM).limit) == (880, 900)


def test_what_is_gathered_by_a_lost_answer_is_gathered_once(team: Books, behind: Strict) -> None:
    behind.suffer(lost=0.3, seed=5)
    shards.hold(TEAM, MONTH, 3, wanted(880), soon(10))
    behind.suffer()
    assert (team.standing(TEAM).held, team.standing(TEAM).limit) == (880, 900)


def test_shards_that_give_to_each_other_while_they_are_read_make_nobody_poorer(
    team: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read is the sum of no instant: 300 where there are 550, and 350 held, so this may come again."""
    read, pending = Window.read, [True]

    def reading(place: Window) -> Any:
        found = read(place)
        if pending and place.shard == 0:
            pending.pop()
            take("key:1", 350)
        return found

    monkeypatch.setattr(Window, "read", reading)
    with pytest.raises(BudgetHeld) as refused:
        take("key:2", 700)
    assert (refused.value.details["limit"], refused.value.remaining) == ("0.0000009", 550)


def test_a_window_that_has_not_begun_has_no_shards_to_read(team: Books) -> None:
    with pytest.raises(NotFound, match="2027-01"):
        shards.read(TEAM, "2027-01", 3)


# ------------------------------------------------------------------------------------------- a lowered limit


def lower(limit: int) -> None:
    limits.change(TEAM, {"month": limit}, lambda _before, _after: [], soon())


def test_while_a_lowered_limit_is_owed_no_shard_admits_anything(team: Books, clock: Clock) -> None:
    """Given 600 held, when the limit falls to 500, then nothing is admitted until they are less than that."""
    held = [take(f"key:{number}", 100) for number in range(6)]
    lower(500)
    assert (team.standing(TEAM).limit, team.standing(TEAM).remaining) == (500, -100)
    with pytest.raises(BudgetHeld):
        take("key:7", 1)
    for hold in held[:1]:
        hold.settle(0)
    with pytest.raises(BudgetHeld):
        take("key:7", 1)
    held[1].settle(30)
    assert team.standing(TEAM).remaining == 70
    take("key:7", 70)
    with pytest.raises(BudgetHeld):
        take("key:8", 1)


def test_while_it_is_owed_no_hold_grows_either(team: Books, clock: Clock) -> None:
    """Not even in a shard that got something back: all of them together owe."""
    held = [take(f"key:{number}", 300) for number in range(3)]
    lower(500)
    away = next(hold for hold in held if next(w for w in hold.open if w.account == TEAM).shard != 0)
    held.remove(away)
    kept = next(hold for hold in held if next(w for w in hold.open if w.account == TEAM).shard != 0)
    neighbour = next(w for w in kept.open if w.account == TEAM)
    update(neighbour.write("SET #remaining = #remaining + :n, #limit = #limit + :n", "", {":n": 50}), soon())
    update(Window(TEAM, MONTH).write("SET #remaining = #remaining - :n, #limit = #limit - :n", "", {":n": 50}), soon())
    assert (neighbour.read() or {})["remaining"] == 50
    with pytest.raises((BudgetHeld, BudgetExceeded)):
        kept.extend(50, soon())
    assert team.standing(TEAM).held == 900


def test_shards_open_again_when_the_limit_rises(team: Books, clock: Clock) -> None:
    for number in range(6):
        take(f"key:{number}", 100)
    lower(500)
    lower(550)
    assert [bool(item.get("closed")) for item in team.shards(TEAM)] == [False, True, True], "50 are owed still"
    lower(1_200)
    assert not any(item.get("closed") for item in team.shards(TEAM))
    assert (team.standing(TEAM).limit, team.standing(TEAM).remaining) == (1_200, 600)
    take("key:7", 600)


def test_a_limit_that_is_lowered_to_what_is_free_closes_nothing(team: Books, clock: Clock) -> None:
    take("key:1", 250)
    lower(300)
    assert not any(item.get("closed") for item in team.shards(TEAM))
    take("key:2", 50)
    with pytest.raises(BudgetHeld):
        take("key:3", 1)
