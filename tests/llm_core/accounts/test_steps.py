"""The steps of a hold's life in one window, each one conditional write."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llm_core.accounts import admission, steps
from llm_core.accounts.admission import Wanted
from llm_core.accounts.steps import Entry, Gone
from llm_core.accounts.window import Window
from llm_core.aws import table
from llm_core.aws.table import Item
from llm_core.aws.writes import ConditionFailed, update
from llm_core.errors import BudgetHeld
from tests.llm_core.accounts.books import LEASE, NOW, USER, Books, fate, soon, sound
from tests.races.conftest import Strict

PLACE = Window("team:w", "2026-11")
ENTRY = Entry(400, LEASE, USER)


@pytest.fixture
def item(books: Books) -> Item:
    """A window of 1,000 nano-USD with one open hold of 400."""
    made = PLACE.item(1_000) | {"remaining": 600, "held": 400, "holds": {"gen-1": ENTRY.stored}}
    table.put_new(books.budgets, made, key="userId")
    return made


def now() -> Item:
    found = PLACE.read()
    assert found is not None
    sound(found)
    return found


# ------------------------------------------------------------------------------------------- settle


@pytest.mark.parametrize(("cost", "left", "overrun"), [(0, 1_000, 0), (150, 850, 0), (400, 600, 0), (650, 350, 250)])
def test_what_a_call_did_not_cost_is_given_back(item: Item, cost: int, left: int, overrun: int) -> None:
    """And what it cost beyond its hold is the truth, and is booked."""
    steps.settle(PLACE, "gen-1", ENTRY, cost, soon())
    found = now()
    assert (found["remaining"], found["held"], found["spent"], found["overrun"]) == (left, 0, cost, overrun)
    assert found["holds"] == {}


def test_a_hold_ends_once(item: Item) -> None:
    steps.settle(PLACE, "gen-1", ENTRY, 150, soon())
    with pytest.raises(Gone):
        steps.settle(PLACE, "gen-1", ENTRY, 150, soon())
    assert now()["spent"] == 150


@pytest.mark.parametrize("other", [Entry(401, LEASE, USER), Entry(400, LEASE + 1, USER)])
def test_whoever_knows_another_hold_than_there_is_does_not_end_it(item: Item, other: Entry) -> None:
    with pytest.raises(Gone) as gone:
        steps.settle(PLACE, "gen-1", other, 150, soon())
    assert gone.value.found == ENTRY
    assert now()["held"] == 400


def test_a_settle_whose_answer_was_lost_books_once(item: Item, behind: Strict) -> None:
    """boto3 sends it again, and its own traces refuse it: nothing is open any more, and that is right."""
    behind.suffer(**fate("x.."))
    with pytest.raises(Gone):
        steps.settle(PLACE, "gen-1", ENTRY, 150, soon())
    assert behind.counts["lost"] == 1
    behind.suffer()
    assert (now()["spent"], now()["held"]) == (150, 0)


# ------------------------------------------------------------------------------------------- extend


def test_a_hold_grows_by_what_is_free(item: Item) -> None:
    wider = steps.extend(PLACE, "gen-1", ENTRY, 600, soon())
    assert (wider.held, now()["held"], now()["remaining"]) == (1_000, 1_000, 0)
    assert steps.extend(PLACE, "gen-1", wider, -600, soon()) == ENTRY
    assert now()["remaining"] == 600


def test_a_hold_does_not_grow_beyond_the_limit(item: Item) -> None:
    with pytest.raises(ConditionFailed):
        steps.extend(PLACE, "gen-1", ENTRY, 601, soon())
    assert now()["held"] == 400


def test_a_hold_does_not_grow_beyond_what_its_accounts_calls_may_hold_together(item: Item) -> None:
    """Unless it is the only one: then it is as large as it is."""
    alone = steps.extend(PLACE, "gen-1", ENTRY, 50, soon(), cap=100)
    admission.hold(PLACE, Wanted("gen-2", 100, USER, LEASE, NOW), soon())
    with pytest.raises(ConditionFailed):
        steps.extend(PLACE, "gen-1", alone, 50, soon(), cap=599)
    steps.extend(PLACE, "gen-1", alone, 50, soon(), cap=600)
    assert now()["held"] == 600


def test_a_hold_that_is_not_open_does_not_grow(item: Item) -> None:
    with pytest.raises(Gone):
        steps.extend(PLACE, "gen-2", ENTRY, 1, soon())


def test_a_hold_in_a_closed_shard_does_not_grow(item: Item) -> None:
    """The shards together owe something, whatever this one has left; but it may still shrink."""
    update(PLACE.write("SET #closed = :yes", "", {":yes": True}), soon())
    with pytest.raises(ConditionFailed):
        steps.extend(PLACE, "gen-1", ENTRY, 1, soon())
    assert steps.extend(PLACE, "gen-1", ENTRY, -100, soon()).held == 300


def test_an_extension_whose_answer_was_lost_is_done_once(item: Item, behind: Strict) -> None:
    behind.suffer(**fate("x.."))
    wider = steps.extend(PLACE, "gen-1", ENTRY, 100, soon())
    assert behind.counts["lost"] == 1
    behind.suffer()
    assert (wider.held, now()["held"]) == (500, 500)


# ------------------------------------------------------------------------------------------- taken over


def test_a_hold_that_was_taken_over_is_neither_ended_nor_extended_by_its_caller(item: Item) -> None:
    claimed = steps.claim(PLACE, "gen-1", ENTRY, LEASE + 60, soon())
    assert claimed == replace(ENTRY, lease=LEASE + 60)
    for step in (
        lambda: steps.settle(PLACE, "gen-1", ENTRY, 150, soon()),
        lambda: steps.extend(PLACE, "gen-1", ENTRY, 100, soon()),
        lambda: steps.claim(PLACE, "gen-1", ENTRY, LEASE + 90, soon()),
    ):
        with pytest.raises(Gone) as gone:
            step()
        assert gone.value.found == claimed
    steps.settle(PLACE, "gen-1", claimed, 150, soon())
    assert (now()["spent"], now()["held"]) == (150, 0)


def test_a_claim_whose_answer_was_lost_is_ours(item: Item, behind: Strict) -> None:
    behind.suffer(**fate("x.."))
    assert steps.claim(PLACE, "gen-1", ENTRY, LEASE + 60, soon()).lease == LEASE + 60
    assert behind.counts["lost"] == 1


# ------------------------------------------------------------------------------------------- traces


def test_who_was_swept_finds_the_trace_of_what_was_booked_and_amends_it(item: Item) -> None:
    """400 were booked as an estimate; the truth is 150."""
    steps.settle(PLACE, "gen-1", ENTRY, 400, soon(), trace=True)
    assert (now()["spent"], now()["held"]) == (400, 0)
    with pytest.raises(Gone) as gone:
        steps.settle(PLACE, "gen-1", ENTRY, 150, soon())
    trace = gone.value.trace
    assert trace is not None
    assert (gone.value.found, trace.booked) == (None, 400)
    steps.amend(PLACE, "gen-1", trace, 150, soon())
    steps.amend(PLACE, "gen-1", trace, 150, soon())
    assert (now()["spent"], now()["remaining"], now()["overrun"]) == (150, 850, 0)
    assert now()["ended"] == {}


def test_who_settles_twice_finds_no_trace_of_anybody(item: Item) -> None:
    steps.settle(PLACE, "gen-1", ENTRY, 150, soon())
    with pytest.raises(Gone) as gone:
        steps.settle(PLACE, "gen-1", ENTRY, 150, soon())
    assert (gone.value.found, gone.value.trace) == (None, None)


def test_a_hold_that_was_given_up_is_refused_when_it_arrives(item: Item) -> None:
    assert steps.forbid(PLACE, "gen-2", USER, soon()) is None
    with pytest.raises(BudgetHeld):
        admission.hold(PLACE, Wanted("gen-2", 100, USER, LEASE, NOW), soon())
    assert list(now()["holds"]) == ["gen-1"]


def test_a_hold_that_has_arrived_is_not_forbidden_but_told(item: Item) -> None:
    assert steps.forbid(PLACE, "gen-1", USER, soon()) == ENTRY
    assert now()["ended"] == {}
