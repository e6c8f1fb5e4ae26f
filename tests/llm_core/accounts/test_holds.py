"""One call's hold on all who pay: taken everywhere or nowhere, extended everywhere or nowhere, settled on every way."""

from __future__ import annotations

import io
from typing import Any

import pytest

from llm_core.accounts import holds, shards, steps
from llm_core.accounts.admission import Rates
from llm_core.accounts.window import Window
from llm_core.deadline import Deadline
from llm_core.errors import BudgetExceeded, BudgetHeld, RateLimited, StoreUnavailable
from tests.llm_core.accounts.books import DAY, MONTH, NOW, Books, Clock, fate, soon, take, wanted
from tests.races.conftest import Strict

PLACES = [("key:k", MONTH), ("user:u", DAY), ("org:o", "total")]


@pytest.fixture
def three(books: Books) -> Books:
    """A key that pays from three accounts."""
    books.open("org:o", total=3_000)
    books.open("user:u", "org:o", day=2_000)
    books.open("key:k", "user:u", month=1_000)
    return books


def held(books: Books) -> list[int]:
    return [books.standing(*place).held for place in PLACES]


def spent(books: Books) -> list[int]:
    return [books.standing(*place).spent for place in PLACES]


# ------------------------------------------------------------------------------------------- take


def test_a_call_holds_on_every_account_its_keys_first_and_the_root_last(three: Books) -> None:
    hold = take("key:k", 300)
    assert [(place.account, place.label) for place in hold.open] == PLACES
    assert (held(three), hold.amount) == ([300, 300, 300], 300)
    assert hold.open[Window("key:k", MONTH)].windows == 3, "by which the sweeper knows that the hold is whole"


def test_the_tightest_of_the_limits_is_told(three: Books) -> None:
    hold = take("key:k", 300)
    assert hold.balance is not None
    assert (hold.balance.limit, hold.balance.remaining) == (1_000, 700)
    hold.settle(300)
    take("key:k", 50, now=NOW + 20 * 86_400).settle(50)
    other = take("key:k", 1, now=NOW + 20 * 86_400).balance
    assert other is not None
    assert (other.limit, other.remaining) == (1_000, 949)


def test_a_key_without_any_limit_holds_on_its_own_window_only_and_is_told_nothing(books: Books) -> None:
    books.open("user:u")
    books.open("key:k", "user:u")
    hold = take("key:k", 10**15)
    assert ([place.account for place in hold.open], hold.balance) == (["key:k"], None)


@pytest.mark.parametrize(("tight", "limit_id"), [(1, f"user:u#{DAY}"), (2, "org:o#total")])
def test_a_refusal_gives_back_what_was_taken(books: Books, tight: int, limit_id: str) -> None:
    limit = [1_000, 1_000, 1_000]
    limit[tight] = 100
    books.open("org:o", total=limit[2])
    books.open("user:u", "org:o", day=limit[1])
    books.open("key:k", "user:u", month=limit[0])
    with pytest.raises(BudgetExceeded) as refused:
        take("key:k", 101)
    assert refused.value.details["limit_id"] == limit_id
    assert [books.standing(*place).holds for place in PLACES[: tight + 1]] == [0] * (tight + 1)
    assert held(books)[: tight + 1] == [0] * (tight + 1)


def test_when_our_time_ends_between_two_accounts_nothing_stays_held(
    three: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is raised there: a Lambda that is told to stop raises too."""

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(shards, "hold", interrupted)
    with pytest.raises(KeyboardInterrupt):
        take("key:k", 300)
    assert three.standing("key:k").held == 0


def test_a_call_that_cannot_reach_its_budgets_is_refused_and_its_own_hold_given_back(
    three: Books, behind: Strict
) -> None:
    """Given a key's window whose write is done and whose answer never comes, three times, then nobody is asked."""
    take("key:k", 1).settle(0)
    behind.suffer(**fate("xxx..."))
    with pytest.raises(StoreUnavailable):
        take("key:k", 300)
    assert behind.counts["lost"] == 3
    behind.suffer()
    assert held(three) == [0, 0, 0]


def test_what_was_held_above_by_a_write_whose_answer_never_came_is_given_back_too(three: Books, behind: Strict) -> None:
    take("key:k", 1).settle(0)
    behind.suffer(**fate(".xxx...."))
    with pytest.raises(StoreUnavailable):
        take("key:k", 300)
    assert behind.counts["lost"] == 3
    behind.suffer()
    assert held(three) == [0, 0, 0]


def test_a_lease_is_the_deadline_and_a_minute() -> None:
    assert holds.lease(Deadline.after(25), NOW) in (int(NOW) + 84, int(NOW) + 85)
    assert holds.lease(Deadline.after(-5), NOW) == int(NOW) + 60


def test_a_request_that_costs_nothing_counts_against_the_minute(three: Books) -> None:
    """A cached answer. A key without rates writes nothing for it."""
    rates = Rates(requests=1)
    holds.count("key:k", wanted(0), rates, soon())
    assert held(three) == [0, 0, 0]
    with pytest.raises(RateLimited):
        holds.count("key:k", wanted(0), rates, soon())
    assert holds.count("key:none", wanted(0), Rates(), soon()) is None


# ------------------------------------------------------------------------------------------- extend


def test_a_hold_is_extended_everywhere(three: Books) -> None:
    hold = take("key:k", 300)
    hold.extend(200, soon())
    assert (held(three), hold.amount) == ([500, 500, 500], 500)
    hold.settle(450)
    assert (held(three), spent(three)) == ([0, 0, 0], [450, 450, 450])


@pytest.mark.parametrize("tight", [0, 1, 2])
def test_an_extension_that_one_account_refuses_gives_back_the_others(books: Books, tight: int) -> None:
    limit = [1_000, 1_000, 1_000]
    limit[tight] = 400
    books.open("org:o", total=limit[2])
    books.open("user:u", "org:o", day=limit[1])
    books.open("key:k", "user:u", month=limit[0])
    hold = take("key:k", 300)
    with pytest.raises((BudgetExceeded, BudgetHeld)) as refused:
        hold.extend(101, soon())
    assert refused.value.details["limit_id"] == "#".join(PLACES[tight])
    assert (held(books), hold.amount) == ([300, 300, 300], 300)
    hold.extend(100, soon())
    assert held(books) == [400, 400, 400]


def test_a_hold_that_was_swept_is_not_extended_and_nobody_else_is_asked(three: Books) -> None:
    hold = take("key:k", 300)
    steps.settle(Window("org:o", "total"), hold.call_id, hold.open[Window("org:o", "total")], 0, soon())
    with pytest.raises(StoreUnavailable, match="expired"):
        hold.extend(200, soon())
    assert held(three) == [300, 300, 0]


def test_an_extension_whose_answer_never_came_is_settled_with_the_rest(three: Books, behind: Strict) -> None:
    """Given that it was done on the key and the user, and nobody knows of the organisation, then the call ends, and
    so does every hold of it, at what it cost before."""
    hold = take("key:k", 300)
    behind.suffer(**fate("..xxx..."))
    with pytest.raises(StoreUnavailable):
        hold.extend(200, soon())
    assert behind.counts["lost"] == 3
    behind.suffer()
    hold.settle(120)
    assert (held(three), spent(three)) == ([0, 0, 0], [120, 120, 120])


# ------------------------------------------------------------------------------------------- settle


def test_a_call_is_settled_once_however_often_it_is_told(three: Books) -> None:
    hold = take("key:k", 300)
    assert hold.settle(120) == {}
    assert hold.settle(120) == {}
    assert (held(three), spent(three)) == ([0, 0, 0], [120, 120, 120])


def test_a_settle_of_which_every_answer_is_lost_is_done(three: Books, behind: Strict) -> None:
    hold = take("key:k", 300)
    behind.suffer(**fate("x.x.x."))
    assert hold.settle(120) == {}
    assert behind.counts["lost"] == 3
    behind.suffer()
    assert (held(three), spent(three)) == ([0, 0, 0], [120, 120, 120])


def test_an_account_that_cannot_be_reached_is_left_to_the_sweeper_and_the_others_are_settled(
    three: Books, behind: Strict, log: io.StringIO
) -> None:
    """The user's settle is lost on the way, three times; the key's and the organisation's arrive."""
    hold = take("key:k", 300)
    behind.suffer(reset=0.5, seed=fate(".xxx..")["seed"])
    assert hold.settle(120) == {}
    assert behind.counts["reset"] == 3
    behind.suffer()
    assert (held(three), spent(three)) == ([0, 300, 0], [120, 0, 120])
    assert [place.account for place in hold.open] == ["user:u"]
    assert "user:u" in log.getvalue()


def test_a_key_whose_own_window_cannot_be_reached_leaves_all_to_the_sweeper(three: Books, behind: Strict) -> None:
    """A sweeper may have taken the call over meanwhile, and books the same in every window."""
    hold = take("key:k", 300)
    behind.suffer(reset=0.5, seed=fate("xxx...")["seed"])
    assert hold.settle(120) == {}
    assert behind.counts["reset"] == 3
    behind.suffer()
    assert (held(three), spent(three)) == ([300, 300, 300], [0, 0, 0])


def test_a_late_truth_finds_some_windows_swept_and_some_not(three: Books, clock: Clock) -> None:
    """The sweeper has booked 300 on the key and the user and not yet on the organisation; the truth is 120."""
    hold = take("key:k", 300)
    swept = list(hold.open)[:2]
    for place in swept:
        steps.settle(place, hold.call_id, hold.open[place], 300, soon(), trace=True)
    traces = hold.settle(120)
    assert {place: trace.booked for place, trace in traces.items()} == dict.fromkeys(swept, 300)
    for place, trace in traces.items():
        steps.amend(place, hold.call_id, trace, 120, soon())
    assert (held(three), spent(three)) == ([0, 0, 0], [120, 120, 120])
