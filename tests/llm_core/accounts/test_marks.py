"""A call in flight is found by the hold on its key's own month, and told to stop by a mark that goes with it."""

from __future__ import annotations

from llm_core import ledger
from llm_core.accounts import holds, marks
from llm_core.accounts.admission import Rates, Wanted
from tests.llm_core.accounts.books import KIND, LEASE, NOW, USER, Books, soon, take

MADE = NOW - 1


def running(books: Books) -> tuple[holds.Hold, str]:
    """A call of a key below a limited user: it holds in both windows."""
    books.open("user:ada", month=1_000)
    books.open("key:own", "user:ada", month=1_000)
    hold = take("key:own", 400)
    return hold, hold.call_id


def test_a_call_in_flight_is_found_with_what_it_holds(books: Books) -> None:
    _, call_id = running(books)
    found = marks.find("key:own", call_id, MADE)
    assert found
    assert (found.account, found.held, found.kind, found.stopping) == ("key:own", 400, KIND, False)


def test_it_is_not_found_at_who_pays_for_it_nor_once_it_is_over(books: Books) -> None:
    hold, call_id = running(books)
    assert marks.find("user:ada", call_id, MADE) is None
    hold.settle(10)
    assert marks.find("key:own", call_id, MADE) is None


def test_an_id_of_the_months_last_second_is_found_in_the_month_after(books: Books) -> None:
    books.open("key:own", month=1_000)
    midnight = 1_796_083_200.0  # 2026-12-01 00:00:00 UTC
    late = Wanted(ledger.new_id(), 400, USER, LEASE + 10**6, midnight + 0.5)
    holds.take("key:own", late, Rates(), KIND, soon())
    assert marks.find("key:own", late.call_id, midnight - 0.5)


def test_a_mark_is_seen_survives_an_extension_and_goes_with_the_hold(books: Books) -> None:
    hold, call_id = running(books)
    found = marks.find("key:own", call_id, MADE)
    assert found
    assert not marks.stopping(found.place, call_id)
    assert marks.stop(found, soon())
    hold.extend(100, soon())
    assert marks.stopping(found.place, call_id)
    again = marks.find("key:own", call_id, MADE)
    assert again
    assert (again.stopping, again.held) == (True, 500)
    hold.settle(10)
    assert not marks.stopping(found.place, call_id)
    assert not marks.stop(found, soon()), "there is nothing left to tell"
