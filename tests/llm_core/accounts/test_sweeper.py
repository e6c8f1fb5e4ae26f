"""Calls whose caller died, at any step, or came back late: what is booked, what the rows say, what is open."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from llm_core import ledger
from llm_core.accounts import holds, shards, steps, sweeper, window
from llm_core.accounts.admission import Rates
from llm_core.accounts.endings import ABANDONED, UNSEEN
from llm_core.accounts.holds import Hold
from llm_core.accounts.sweeper import Count
from llm_core.accounts.window import Window
from llm_core.aws import table
from llm_core.aws.table import Item
from llm_core.aws.writes import update
from llm_core.catalog import PACKAGE, Catalog
from llm_core.errors import LedgerUnavailable, StoreUnavailable
from llm_core.ledger import Row
from llm_core.payment import Allowance, Payment
from tests.llm_core.accounts.books import DAY, LEASE, MONTH, NOW, Books, Clock, record, soon, take

LATER = LEASE + 1
FORGOTTEN = LATER + steps.TRACE_SECONDS + 10
"""When what the sweeper remembers of a call is looked at for the last time."""
CHEAP = Catalog(PACKAGE.read_bytes()).model("gpt-4.1-mini")
PLACES = [("key:sk-proj-booksbooks12", MONTH), ("user:u", DAY)]
KEY = PLACES[0][0]


@pytest.fixture
def two(books: Books, clock: Clock) -> Books:
    """A key that pays from two accounts."""
    books.open("user:u", day=2_000)
    books.open(KEY, "user:u", month=1_000)
    return books


def sweep(now: float = LATER) -> Count:
    return sweeper.sweep(now, soon(20))


def booked(books: Books) -> list[int]:
    """What both accounts say; nothing may be held."""
    standings = [books.standing(*place) for place in PLACES]
    assert [standing.held for standing in standings] == [0, 0]
    assert [standing.holds for standing in standings] == [0, 0]
    return [standing.spent for standing in standings]


# ------------------------------------------------------------------------------------------- died


def test_a_call_that_still_has_time_is_left_alone(two: Books) -> None:
    take(KEY, 300)
    assert sweep(LEASE) == Count(windows=2)
    assert two.standing(KEY).held == 300


def test_a_call_of_which_nobody_saw_the_end_is_booked_at_its_ceiling(two: Books) -> None:
    hold = take(KEY, 300)
    assert sweep() == Count(windows=2, estimated=1)
    assert booked(two) == [300, 300]
    (row,) = two.rows()
    assert (row["id"], row["userId"], row["keyId"], row["attempt"]) == (hold.call_id, "ada", KEY[4:], 1)
    assert (row["outcome"], row["charged"], row["cost"]) == (UNSEEN, 300, 294)
    assert (row["estimated"], row["swept"], row["version"]) == (True, True, 1)
    assert (row["operation"], row["provider"], row["model"]) == ("chat", "anthropic", "claude-haiku-4-5")


def test_a_call_that_died_between_two_holds_asked_nobody_and_is_free(two: Books, monkeypatch: Any) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: Any) -> Any:
        for last in ("settle", "abandon"):  # the dead give nothing back, and say nothing
            monkeypatch.setattr(holds.Hold, last, lambda *_, **__: None)
        raise Killed

    monkeypatch.setattr(shards, "hold", killed)
    with pytest.raises(Killed):
        take(KEY, 300)
    assert two.standing(KEY).held == 300
    assert sweep() == Count(windows=1, abandoned=1)
    assert two.standing(KEY).spent == two.standing(KEY).held == 0
    (row,) = two.rows()
    assert (row["outcome"], row["charged"], row["cost"], row["estimated"]) == (ABANDONED, 0, 0, False)


def test_a_call_that_died_after_its_row_is_finished_by_it(two: Books) -> None:
    record(take(KEY, 300), 120)
    assert sweep() == Count(windows=2, finished=1)
    assert booked(two) == [120, 120]
    assert [row["charged"] for row in two.rows()] == [120]


def test_a_call_that_died_between_two_settles_is_finished_by_its_row(two: Books) -> None:
    hold = take(KEY, 300)
    record(hold, 120)
    place = Window("user:u", DAY)
    steps.settle(place, hold.call_id, hold.open[place], 120, soon())
    sweep()
    assert booked(two) == [120, 120]


def test_a_failed_call_that_died_between_two_settles_is_not_charged_for_another_attempt(two: Books) -> None:
    """It was about to end: whoever settles asks nobody any more."""
    hold = take(KEY, 300)
    record(hold, 40, outcome="timeout")
    place = Window("user:u", DAY)
    steps.settle(place, hold.call_id, hold.open[place], 40, soon())
    assert sweep() == Count(windows=2, abandoned=1)
    assert booked(two) == [40, 40]
    assert [(row["outcome"], row["charged"]) for row in two.rows()] == [("timeout", 40), (ABANDONED, 0)]


def test_a_call_that_died_after_a_failed_attempt_may_have_begun_another(two: Books) -> None:
    """All that is held and not yet accounted for is what that one can have cost."""
    record(take(KEY, 300), 40, outcome="timeout")
    assert sweep() == Count(windows=2, estimated=1)
    assert booked(two) == [300, 300]
    assert [(row["attempt"], row["outcome"], row["charged"]) for row in two.rows()] == [
        (1, "timeout", 40),
        (2, UNSEEN, 260),
    ]


def test_a_call_that_died_while_its_hold_was_extended_cost_no_more_than_all_accounts_held(two: Books) -> None:
    """The key has 900 and the user, who may spend 700 more today, 300: nobody was asked for the rest."""
    hold = take(KEY, 300)
    place = Window(KEY, MONTH)
    steps.extend(place, hold.call_id, hold.open[place], 600, soon())
    sweep()
    assert booked(two) == [300, 300]
    assert [two.standing(*each).overrun for each in PLACES] == [0, 0]


def test_calls_of_others_are_none_of_its_business(two: Books) -> None:
    take(KEY, 100)
    living = take(KEY, 200, lease=LATER + 60)
    assert sweep().estimated == 1
    assert [two.standing(*place).held for place in PLACES] == [200, 200]
    living.settle(20)
    assert booked(two) == [120, 120]


def test_a_call_in_a_shard_is_swept_there(books: Books) -> None:
    books.open("team:t", shards=3, month=9_000)
    books.open("key:k", "team:t")
    for _ in range(5):
        take("key:k", 300)
    sweep()
    assert (books.standing("team:t").spent, books.standing("team:t").held) == (1_500, 0)


def test_it_sweeps_once_and_forgets_when_nobody_can_come_back(two: Books, clock: Clock) -> None:
    clock.now = LATER
    take(KEY, 300)
    sweep()
    assert sweep() == Count(windows=2)
    assert sweep(FORGOTTEN) == Count(windows=2)
    assert sweep(FORGOTTEN) == Count(windows=2), "it leaves the index"
    assert sweep(FORGOTTEN) == Count(), "so no window is looked at"
    assert booked(two) == [300, 300]
    assert booked_rows(two) == [300]


def booked_rows(books: Books) -> list[int]:
    return [row["charged"] for row in books.rows()]


def test_minutes_that_are_over_are_forgotten_and_this_one_is_not(books: Books) -> None:
    books.open("key:k")
    rates = Rates(requests=9, tokens=9, counted=1)
    for minutes in (-5, -2, 0):
        take("key:k", 1, rates=rates, now=NOW + 60 * minutes)
    sweep(NOW)
    (item,) = books.shards("key:k")
    kept = {str(int((NOW + 60 * minutes) // 60)) for minutes in (-2, 0)}
    assert (set(item["requests"]), set(item["tokens"])) == (kept, kept)


# ------------------------------------------------------------------------------------------- came back


def paying(hold: Hold) -> Payment:
    return Payment(Allowance(), hold)


def row_of(hold: Hold, charged: int, *, attempt: int = 1, outcome: str = "ok") -> Row:
    """As attempt.make hands it to the payment."""
    made = record(replace(hold, call_id=ledger.new_id()), 0)
    return replace(made, id=hold.call_id, charged=charged, cost=charged, attempt=attempt, outcome=outcome)


@pytest.mark.parametrize("truth", [0, 120, 300, 350])
def test_a_late_truth_corrects_the_estimate_once(two: Books, clock: Clock, truth: int) -> None:
    hold = take(KEY, 300)
    call = paying(hold)
    sweep()
    clock.now = LATER + 5
    call.record(row_of(hold, truth))
    call.settle()
    call.settle()
    sweep(LATER + 500)
    assert booked(two) == [truth, truth]
    (row,) = [row for row in two.rows() if row["id"] == hold.call_id]
    assert (row["charged"], row["version"], row["swept"], row["outcome"]) == (truth, 2, False, "ok")


def test_a_caller_that_comes_back_corrects_the_row_and_dies_is_finished_by_a_later_sweep(
    two: Books, clock: Clock
) -> None:
    hold = take(KEY, 300)
    clock.now = LATER
    sweep()
    ledger.correct(row_of(hold, 120), 1)
    sweep(LATER + 60)
    assert booked(two) == [300, 300], "it may still come back"
    sweep(FORGOTTEN)
    assert booked(two) == [120, 120]


def test_a_caller_that_comes_back_between_the_sweepers_row_and_its_settle_is_booked_by_its_truth(
    two: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = take(KEY, 300)
    call = paying(hold)
    clock.now = LATER

    def comes_back() -> None:
        call.record(row_of(hold, 120))

    before(monkeypatch, steps, "settle", comes_back)
    sweep()
    call.settle()
    sweep(FORGOTTEN)
    assert booked(two) == [120, 120]


@pytest.mark.parametrize("step", [(ledger, "record"), (steps, "settle")], ids=["before", "after"])
def test_a_caller_that_ends_before_or_after_the_sweepers_row_leaves_no_estimate(
    two: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch, step: tuple[Any, str]
) -> None:
    """It had one failed attempt and asked nobody else; the sweeper has just written down another, unseen."""
    hold = take(KEY, 300)
    call = paying(hold)
    call.record(row_of(hold, 40, outcome="timeout"))
    clock.now = LATER
    before(monkeypatch, *step, call.settle)
    sweep()
    sweep(FORGOTTEN)
    assert booked(two) == [40, 40]
    assert sum(row["charged"] for row in two.rows()) == 40


@pytest.mark.parametrize("first", ["caller", "sweeper"])
def test_rows_and_accounts_agree_when_the_sweeper_dies_while_its_caller_ends(
    two: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """Its caller asked nobody, and is late; the sweeper, which takes it for dead, is killed around its row."""
    hold = take(KEY, 300)
    call = paying(hold)
    clock.now = LATER
    write = ledger.record

    class Killed(BaseException):
        pass

    def killed(row: Row) -> None:
        monkeypatch.setattr(ledger, "record", write)
        if first == "caller":
            call.settle()
        with suppress(ledger.Written):
            write(row)
        if first == "sweeper":
            call.settle()
        raise Killed

    monkeypatch.setattr(ledger, "record", killed)
    with pytest.raises(Killed):
        sweep()
    sweep(LATER + 120)
    sweep(FORGOTTEN)
    assert booked(two) == [0, 0]
    assert booked_rows(two) == [0]


def test_a_caller_that_goes_on_while_it_is_swept_is_still_charged_for_its_next_attempt(
    two: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweeper has seen no row; the first attempt's failure is written, and the second is on its way."""
    hold = take(KEY, 300)
    call = paying(hold)
    clock.now = LATER
    before(monkeypatch, ledger, "record", lambda: call.record(row_of(hold, 0, outcome="provider_error")))
    sweep()
    call.record(row_of(hold, 120, attempt=2))
    call.settle()
    assert booked(two) == [120, 120]
    assert sum(row["charged"] for row in two.rows()) == 120


def test_a_caller_that_comes_back_asks_nobody_else(two: Books, clock: Clock) -> None:
    """Its hold is gone: if it died now, what it asks could never be booked."""
    hold = take(KEY, 300)
    call = paying(hold)
    sweep()
    call.record(row_of(hold, 0, outcome="provider_error"))
    with pytest.raises(StoreUnavailable, match="nobody else is asked"):
        call.cover(10, CHEAP, soon())
    call.settle()
    assert booked(two) == [0, 0]


def test_a_caller_that_comes_back_when_it_is_forgotten_corrects_nothing(two: Books, clock: Clock) -> None:
    """What is booked could not be amended any more, and rows and accounts must agree: the estimate stands."""
    hold = take(KEY, 300)
    call = paying(hold)
    clock.now = LATER
    sweep()
    sweep(FORGOTTEN)
    with pytest.raises(LedgerUnavailable):
        call.record(row_of(hold, 120))
    call.settle()
    assert booked(two) == [300, 300]
    assert [row["charged"] for row in two.rows() if row["id"] == hold.call_id] == [300]


def test_a_caller_that_was_never_asked_for_is_not_charged(two: Books, clock: Clock) -> None:
    """Its only candidate was passed over, so it wrote no row; the sweeper took it for dead meanwhile."""
    call = paying(take(KEY, 300))
    sweep()
    clock.now = LATER
    call.settle()
    assert booked(two) == [0, 0]
    (row,) = two.rows()
    assert (row["outcome"], row["charged"], row["version"]) == (ledger.UNDONE, 0, 2)


def test_two_sweepers_at_once_book_once(two: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    take(KEY, 300)
    before(monkeypatch, steps, "settle", sweep)
    sweep()
    assert booked(two) == [300, 300]
    assert booked_rows(two) == [300]


def test_a_sweeper_that_dies_after_its_row_is_finished_by_the_next(two: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed() -> None:
        raise KeyboardInterrupt

    take(KEY, 300)
    with monkeypatch.context() as dying:
        before(dying, steps, "settle", killed)
        with pytest.raises(KeyboardInterrupt):
            sweep()
    assert booked_rows(two) == [300]
    assert sweep() == Count(windows=2, finished=1)
    assert booked(two) == [300, 300]


def test_one_call_that_cannot_be_finished_does_not_keep_the_others(
    two: Books, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    """A row that is broken, say. It stays held, and is told; everybody else is swept."""
    broken, other = take(KEY, 100), take(KEY, 200)
    attempts = ledger.attempts

    def reading(user: str, call_id: str) -> list[Item]:
        if call_id == broken.call_id:
            raise ValueError("broken")
        return attempts(user, call_id)

    monkeypatch.setattr(ledger, "attempts", reading)
    sweep()
    assert two.standing(KEY).held == 100
    assert [row["id"] for row in two.rows()] == [other.call_id]
    assert broken.call_id in log.getvalue()


def test_a_window_that_cannot_be_read_does_not_keep_the_others(two: Books, log: io.StringIO) -> None:
    """Two kinds: one that is none, and one with a hold that nobody can read."""
    take(KEY, 300)
    broken = Window("team:broken", MONTH)
    for item in ({"userId": "nonsense"}, broken.item(100) | {"holds": {"gen-broken": {"e": "?"}}}):
        table.put_new(two.budgets, item | {"open": window.OPEN}, key="userId")
    count = sweep()
    assert (count.estimated, count.failed) == (1, 2)
    assert booked(two) == [300, 300]
    assert "nonsense" in log.getvalue()


# ------------------------------------------------------------------------------------------- an index that is late


def listed(place: Window, *, listed: bool) -> None:
    """Whether the sweeper's index knows this window already."""
    change, values = ("SET #open = :open", {":open": window.OPEN}) if listed else ("REMOVE #open", {})
    update(place.write(change, "attribute_exists(#userId)", values), soon())


@pytest.mark.parametrize("hidden", PLACES, ids=["its key's", "the other"])
def test_a_call_that_the_index_shows_only_in_part_is_not_free(two: Books, hidden: tuple[str, str]) -> None:
    take(KEY, 300)
    listed(Window(*hidden), listed=False)
    sweep()
    listed(Window(*hidden), listed=True)
    sweep()
    assert booked(two) == [300, 300]
    assert booked_rows(two) == [300]


def test_what_arrived_of_a_call_that_was_given_up_is_given_back_when_its_key_does_not_know_it(two: Books) -> None:
    hold = take(KEY, 300)
    own = Window(KEY, MONTH)
    steps.settle(own, hold.call_id, hold.open[own], 0, soon())
    sweep()
    assert two.standing(*PLACES[1]).held == 300, "the index may be late"
    sweep(LATER + sweeper.LATE_SECONDS)
    assert booked(two) == [0, 0]


def before(monkeypatch: pytest.MonkeyPatch, room: Any, name: str, what: Callable[[], object]) -> None:
    """Something happens right before a step of somebody else's; once."""
    step, pending = getattr(room, name), [what]

    def stepping(*arguments: Any, **named: Any) -> Any:
        if pending:
            pending.pop()()
        return step(*arguments, **named)

    monkeypatch.setattr(room, name, stepping)
