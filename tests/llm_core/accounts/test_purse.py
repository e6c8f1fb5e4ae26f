"""A run with a budget of its own: it pays beside its key's whole line, and is never overspent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from llm_core.accounts import holds, opening, sweeper
from llm_core.accounts.admission import Rates
from llm_core.accounts.holds import Hold
from llm_core.accounts.window import Window
from llm_core.aws.writes import together
from llm_core.errors import BudgetExceeded, BudgetHeld, NotFound
from tests.llm_core.accounts.books import KIND, LEASE, Books, Clock, soon, sound, wanted

PURSE = "run:run-1"


def take(amount: int) -> Hold:
    return holds.take("key:k", replace(wanted(amount), also=(PURSE,)), Rates(requests=100), KIND, soon(30))


def purse() -> dict[str, int]:
    item = Window(PURSE, "total").read()
    assert item is not None
    sound(item)
    return item


@pytest.fixture
def line(books: Books, clock: Clock) -> Books:
    books.open("team:t", month=10_000)
    books.open("key:k", "team:t", month=9_000)
    together([opening.purse(PURSE, 1_000, until=4_000_000_000)], soon())
    return books


def test_a_call_of_a_run_is_held_and_settled_in_every_window(line: Books) -> None:
    hold = take(300)
    assert (line.standing("key:k").held, line.standing("team:t").held, purse()["held"]) == (300, 300, 300)
    hold.settle(100)
    assert (line.standing("key:k").spent, line.standing("team:t").spent, purse()["spent"]) == (100, 100, 100)


def test_a_run_stops_at_its_own_budget_and_its_key_goes_on(line: Books) -> None:
    take(900).settle(900)
    with pytest.raises(BudgetExceeded) as told:
        take(101)
    assert told.value.details["limit_id"] == f"{PURSE}#total"
    assert told.value.remaining == 100
    assert line.standing("key:k").held == 0
    holds.take("key:k", wanted(101), Rates(), KIND, soon()).settle(0)


def test_a_run_is_bound_by_its_keys_budget_too(line: Books) -> None:
    holds.take("key:k", wanted(2_000), Rates(), KIND, soon()).settle(2_000)
    for _ in range(4):
        holds.take("key:k", wanted(1_700), Rates(), KIND, soon()).settle(1_700)
    with pytest.raises(BudgetExceeded) as told:
        take(500)
    assert str(told.value.details["limit_id"]).startswith("key:k#")
    assert purse()["held"] == 0


def test_many_at_once_never_overspend_a_purse(line: Books) -> None:
    def call(_: int) -> int:
        try:
            hold = take(100)
        except (BudgetExceeded, BudgetHeld):
            return 0
        assert purse()["limit"] == 1_000
        hold.settle(90)
        return 90

    with ThreadPoolExecutor(8) as pool:
        spent = sum(pool.map(call, range(24)))
    assert purse()["spent"] == line.standing("key:k").spent == spent <= 1_000


def test_a_call_that_died_is_booked_in_the_purse_too(line: Books) -> None:
    take(300)
    count = sweeper.sweep(LEASE + 1, soon(30))
    assert (count.estimated, count.failed) == (1, 0)
    assert (purse()["held"], purse()["spent"], line.standing("key:k").spent) == (0, 300, 300)


def test_a_purse_that_is_gone_pays_nothing_and_nor_does_anybody_else(line: Books) -> None:
    with pytest.raises(NotFound):
        holds.take("key:k", replace(wanted(10), also=("run:run-2",)), Rates(), KIND, soon())
    assert line.standing("key:k").held == 0
