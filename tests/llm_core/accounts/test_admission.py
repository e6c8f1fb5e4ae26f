"""One window says yes or no to a hold: what fits, what does not and why, how fast, how many."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from llm_core.accounts import admission, limits, opening
from llm_core.accounts.admission import OPEN_HOLDS, Rates
from llm_core.accounts.window import Window
from llm_core.aws.writes import together
from llm_core.errors import BudgetExceeded, BudgetHeld, RateLimited, StoreUnavailable
from llm_core.money import NANO
from tests.llm_core.accounts.books import DAY, MONTH, NOW, Books, Clock, fate, soon, take, wanted
from tests.races.conftest import Strict

OWN = Window("key:k", MONTH)


@pytest.fixture
def key(books: Books) -> Books:
    """A key that may spend 1,000 nano-USD a month, below a user without limits."""
    books.open("user:u")
    books.open("key:k", "user:u", month=1_000)
    return books


# ------------------------------------------------------------------------------------------- money


@pytest.mark.parametrize("amount", [0, 1, 1_000])
def test_what_fits_is_held(key: Books, amount: int) -> None:
    take("key:k", amount)
    standing = key.standing("key:k")
    assert (standing.held, standing.remaining, standing.holds) == (amount, 1_000 - amount, 1)


def test_what_can_never_fit_is_a_spent_budget_and_says_until_when(key: Books) -> None:
    take("key:k", 600).settle(600)
    with pytest.raises(BudgetExceeded) as refused:
        take("key:k", 401)
    error = refused.value
    assert error.details == {
        "limit_id": "key:k#2026-11",
        "limit": "0.000001",
        "remaining": "0.0000004",
        "required": "0.000000401",
        "window_end": "2026-12-01T00:00:00Z",
    }
    assert (error.retryable, error.retry_after_s, error.remaining) == (False, None, 400)
    assert "2026-12-01T00:00:00Z" in error.message
    assert key.standing("key:k").held == 0


def test_what_only_calls_in_flight_keep_from_fitting_may_come_again(key: Books) -> None:
    first = take("key:k", 600)
    with pytest.raises(BudgetHeld) as refused:
        take("key:k", 401)
    assert (refused.value.retryable, refused.value.retry_after_s) == (True, 2)
    assert refused.value.details["limit_id"] == "key:k#2026-11"
    assert (refused.value.details["remaining"], refused.value.details["required"]) == ("0.0000004", "0.000000401")
    first.settle(1)
    take("key:k", 401)


def test_what_would_not_fit_even_if_calls_in_flight_gave_all_back_is_spent(key: Books) -> None:
    take("key:k", 300).settle(300)
    take("key:k", 300)
    take("key:k", 400)
    with pytest.raises(BudgetExceeded):
        take("key:k", 701)
    with pytest.raises(BudgetHeld):
        take("key:k", 700)


def test_a_total_has_no_next_window(books: Books) -> None:
    books.open("run:r", total=10)
    books.open("key:k", "run:r")
    with pytest.raises(BudgetExceeded) as refused:
        take("key:k", 11)
    assert "window_end" not in refused.value.details
    assert refused.value.details["limit_id"] == "run:r#total"
    assert "no next window" in refused.value.message


def test_the_refusal_names_the_limit_that_is_in_the_way_and_the_others_are_free(books: Books) -> None:
    books.open("org:o", day=500)
    books.open("team:t", "org:o", month=9_000)
    books.open("key:k", "team:t", month=9_000)
    with pytest.raises(BudgetExceeded) as refused:
        take("key:k", 501)
    assert refused.value.details["limit_id"] == f"org:o#{DAY}"
    assert refused.value.details["window_end"] == "2026-11-22T00:00:00Z"
    assert [books.standing(*place).held for place in (("key:k", MONTH), ("team:t", MONTH), ("org:o", DAY))] == [0, 0, 0]


def test_the_next_month_and_the_next_day_begin_anew(books: Books) -> None:
    books.open("key:k", month=100, day=60)
    take("key:k", 60).settle(60)
    with pytest.raises(BudgetExceeded):
        take("key:k", 1)
    tomorrow = NOW + 86_400
    take("key:k", 40, now=tomorrow).settle(40)
    with pytest.raises(BudgetExceeded) as refused:
        take("key:k", 1, now=tomorrow)
    assert refused.value.details["limit_id"] == f"key:k#{MONTH}"
    take("key:k", 60, now=NOW + 10 * 86_400)
    assert books.standing("key:k", "2026-12").held == 60
    assert books.standing("key:k", MONTH).spent == 100


# ------------------------------------------------------------------------------------------- a minute


def test_a_minute_takes_so_many_requests(key: Books) -> None:
    rates = Rates(requests=2)
    for _ in range(2):
        take("key:k", 1, rates=rates).settle(1)
    with pytest.raises(RateLimited, match="2 requests a minute") as refused:
        take("key:k", 1, rates=rates)
    assert type(refused.value) is RateLimited
    assert refused.value.retry_after_s == 30, "NOW is in the middle of a minute"
    assert key.standing("key:k").spent == 2
    take("key:k", 1, rates=rates, now=NOW + 30)


def test_a_minute_takes_so_many_tokens(key: Books) -> None:
    take("key:k", 1, rates=Rates(tokens=100, counted=60))
    with pytest.raises(RateLimited, match="100 tokens a minute"):
        take("key:k", 1, rates=Rates(tokens=100, counted=41))
    hold = take("key:k", 1, rates=Rates(tokens=100, counted=40))
    assert hold.minute is not None
    assert (hold.minute.requests, hold.minute.tokens, hold.minute.reset_s) == (2, 100, 30)
    take("key:k", 1, rates=Rates(tokens=100, counted=100), now=NOW + 30)


def test_a_request_that_alone_is_more_than_a_minute_takes_is_refused(key: Books) -> None:
    """And it is told not to come again: no minute takes it."""
    with pytest.raises(RateLimited, match="alone may take 101") as refused:
        take("key:k", 1, rates=Rates(tokens=100, counted=101))
    assert (refused.value.retryable, refused.value.retry_after_s) == (False, None)
    assert key.shards("key:k") == [], "nothing was written"


def test_a_request_that_its_own_budget_refuses_does_not_count(key: Books) -> None:
    with pytest.raises(BudgetExceeded):
        take("key:k", 1_001, rates=Rates(requests=1))
    take("key:k", 1, rates=Rates(requests=1))


def test_a_request_that_a_budget_above_refuses_does_not_count_either(books: Books) -> None:
    """Else a key with one request a minute could never come again with a shorter answer, as `clamp` does."""
    books.open("team:t", month=100)
    books.open("key:k", "team:t")
    rates = Rates(requests=1, tokens=50, counted=40)
    with pytest.raises(BudgetExceeded):
        take("key:k", 101, rates=rates)
    hold = take("key:k", 100, rates=rates)
    assert hold.minute is not None
    assert (hold.minute.requests, hold.minute.tokens) == (1, 40)


# ------------------------------------------------------------------------------------------- how many at once


def test_a_key_has_a_hundred_calls_in_flight_and_no_more(books: Books) -> None:
    books.open("team:t", month=NANO)
    for name in ("key:wild", "key:tame"):
        books.open(name, "team:t")
    with ThreadPoolExecutor(8) as pool:
        open_holds = list(pool.map(lambda _: take("key:wild", 1), range(OPEN_HOLDS)))
    with pytest.raises(RateLimited, match="100 calls in flight") as refused:
        take("key:wild", 1)
    assert refused.value.retry_after_s == 1
    take("key:tame", 1)
    open_holds[0].settle(0)
    take("key:wild", 1)


def test_a_key_holds_at_most_a_fifth_of_the_tightest_limit_above_it(books: Books) -> None:
    books.open("team:t", month=1_000)
    for name in ("key:wild", "key:tame"):
        books.open(name, "team:t")
    first = take("key:wild", 150)
    take("key:wild", 50)
    with pytest.raises(BudgetHeld, match=r"0\.0000002 USD of the 0\.0000002 they may"):
        take("key:wild", 1)
    take("key:tame", 200)
    first.settle(150)
    take("key:wild", 150)
    assert books.standing("team:t").held == 400


def test_a_single_call_may_hold_more_than_a_fifth(books: Books) -> None:
    books.open("team:t", month=1_000)
    books.open("key:k", "team:t")
    take("key:k", 900)
    with pytest.raises(BudgetHeld):
        take("key:k", 1)


def test_a_fifth_of_a_limit_that_changed_counts_at_once(books: Books, clock: Clock) -> None:
    """What this process remembers of a key is checked by the write itself."""
    books.open("team:t", month=1_000)
    books.open("key:k", "team:t")
    take("key:k", 200)
    limits.change("team:t", {"month": 2_000}, lambda _before, _after: [], soon())
    take("key:k", 200)
    limits.change("team:t", {"month": 1_000, "day": 600}, lambda _before, _after: [], soon())
    with pytest.raises(BudgetHeld):
        take("key:k", 1)


# ------------------------------------------------------------------------------------------- a network, a busy table


def test_a_hold_whose_answer_was_lost_is_given_back_and_counted_in_no_minute(key: Books, behind: Strict) -> None:
    """Sent again, it could be carried out twice: so it is not, and the call is refused."""
    opening.begin("key:k", MONTH, soon())
    admission._known.clear()
    behind.suffer(**fate("x...."))
    with pytest.raises(StoreUnavailable):
        take("key:k", 400, rates=Rates(requests=5, tokens=500, counted=50))
    assert behind.counts["lost"] == 1
    behind.suffer()
    assert (key.standing("key:k").held, key.standing("key:k").holds) == (0, 0)
    (item,) = key.shards("key:k")
    assert set(item["requests"].values()) | set(item["tokens"].values()) <= {0}


def test_a_hold_above_whose_answer_was_lost_is_given_back_and_cannot_arrive_later(books: Books, behind: Strict) -> None:
    books.open("team:t", month=1_000)
    opening.begin("team:t", MONTH, soon())
    behind.suffer(**fate("x..."))
    asked = wanted(400)
    with pytest.raises(StoreUnavailable):
        admission.hold(Window("team:t", MONTH), asked, soon())
    assert behind.counts["lost"] == 1
    behind.suffer()
    assert books.standing("team:t").held == 0
    with pytest.raises(RateLimited):
        admission.hold(Window("team:t", MONTH), asked, soon())


def _touch(place: Window) -> Callable[[], object]:
    """A transaction on this window."""
    return lambda: together([place.write("SET #seen = :yes", "", {":yes": True})], soon(10))


def test_a_hold_waits_for_a_transaction_on_its_window(key: Books, behind: Strict) -> None:
    opening.begin("key:k", MONTH, soon())
    with ThreadPoolExecutor(1) as pool:
        with behind.under_way(_touch(OWN)):
            waiting = pool.submit(take, "key:k", 400)
            behind.until("TransactionConflictException")
            assert not waiting.done()
        waiting.result()
    assert key.standing("key:k").held == 400


def test_a_hold_that_has_no_time_to_wait_is_refused_and_says_when_to_come_again(key: Books, behind: Strict) -> None:
    opening.begin("key:k", MONTH, soon())
    admission._known.clear()
    with behind.under_way(_touch(OWN)), pytest.raises(StoreUnavailable, match="busy") as refused:
        admission.hold_own(OWN, wanted(400), Rates(), "chat m", soon(0.1))
    assert (refused.value.retryable, refused.value.retry_after_s) == (True, 1)
    assert key.standing("key:k").held == 0


def test_calls_on_an_item_that_is_written_too_often_wait_their_turn(key: Books, behind: Strict) -> None:
    """Six calls are twelve writes, and this item takes four a second: boto3 gives up after three throttled tries."""
    opening.begin("key:k", MONTH, soon())
    behind.suffer(units_per_s=4)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: take("key:k", 100).settle(10), range(6)))
    assert behind.counts["ProvisionedThroughputExceededException"] >= 6
    behind.suffer()
    assert (key.standing("key:k").held, key.standing("key:k").spent) == (0, 60)
