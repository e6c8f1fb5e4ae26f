"""A run that is written down: whose it is, what it is given, how many there may be."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from llm_core.accounts.window import Window
from llm_core.aws import table
from llm_core.deadline import Deadline
from llm_core.errors import NotFound, StoreUnavailable
from llm_core.runs import bodies, ending, run, slots
from llm_core.runs.bodies import given
from llm_core.runs.change import Step, change
from llm_core.runs.events import Event, after
from llm_core.runs.slots import MOST, TooManyRuns
from llm_core.runs.start import Order, event, start
from tests.llm_core.runs.conftest import TERMS, Runs, someone, soon


def test_a_run_is_read_as_it_was_written(kept: Runs) -> None:
    made = kept.begin(Order("research", {"topic": "nests"}, TERMS, budget=50_000_000))
    assert run.find(made.id) == made
    assert run.find(made.id, kept.caller.user_id) == made
    assert given(made) == {"topic": "nests"}
    assert event(made) == {"runId": made.id, "turn": 1}
    purse = Window(f"run:{made.id}", "total").read()
    assert purse is not None
    assert (purse["limit"], purse["remaining"], purse["ttl"]) == (50_000_000, 50_000_000, run.expiry(made.created))


def test_somebody_elses_run_is_none(kept: Runs) -> None:
    made = kept.begin()
    with pytest.raises(NotFound):
        run.find(made.id, someone().user_id)
    with pytest.raises(NotFound):
        run.find("run-" + "0" * 27)


def test_a_users_runs_are_listed_newest_first_and_in_pages(kept: Runs) -> None:
    made = [kept.begin().id for _ in range(5)]
    kept.begin(caller=someone())
    newest_first = sorted(made, reverse=True)
    first = run.of_owner(kept.caller.user_id, before=None, limit=3)
    rest = run.of_owner(kept.caller.user_id, before=first[-1].id, limit=3)
    assert [found.id for found in [*first, *rest]] == newest_first


def test_a_large_input_is_kept_in_s3_and_a_small_one_beside_the_run(kept: Runs) -> None:
    large = {"documents": ["nuts, " * 40_000]}
    made = kept.begin(Order("research", large, TERMS))
    assert given(made) == large
    assert bodies.keep(made.id, "small", {"a": 1}) == {"text": '{"a":1}'}
    assert "key" in bodies.keep(made.id, "large", large)


def test_tasks_are_runs_below_it_that_share_its_purse(kept: Runs) -> None:
    made = kept.begin(Order("research", {}, TERMS, budget=1_000, tasks=[{"topic": "a"}, {"topic": "b"}]))
    below = [run.find(child) for child in made.children]
    assert [given(child) for child in below] == [{"topic": "a"}, {"topic": "b"}]
    assert [(child.parent, child.purse, child.budget) for child in below] == [(made.id, made.id, None)] * 2
    assert event(made)["tasks"] == [{"runId": child, "turn": 1} for child in made.children]


# ------------------------------------------------------------------------------------------------ slots
def test_the_sixteenth_run_at_once_is_refused_and_comes_in_when_one_ends(kept: Runs) -> None:
    made = [kept.begin() for _ in range(MOST)]
    with pytest.raises(TooManyRuns) as told:
        kept.begin()
    assert told.value.retry_after_s
    kept.begin(caller=someone())  # another user's are none of ours
    change(made[0].id, lambda now: ending.ended(now, "succeeded"), soon())
    kept.begin()
    with pytest.raises(TooManyRuns):
        kept.begin()


def test_tasks_take_a_slot_each_and_give_all_back(kept: Runs) -> None:
    made = kept.begin(Order("research", {}, TERMS, tasks=[{}] * 10))
    for _ in range(5):
        kept.begin()
    with pytest.raises(TooManyRuns):
        kept.begin()
    change(made.id, lambda now: ending.ended(now, "succeeded"), soon())
    for _ in range(10):
        kept.begin()
    with pytest.raises(TooManyRuns):
        kept.begin()


def test_a_run_that_is_lost_keeps_no_slot_for_ever(kept: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(MOST):
        kept.begin()
    later = time.time() + TERMS.seconds + slots.LEASE_SECONDS + 1

    class Later:
        time = staticmethod(lambda: later)

    monkeypatch.setattr(slots, "time", Later)
    kept.begin()


def test_a_run_of_which_nobody_hears_any_more_is_ended_when_somebody_looks(kept: Runs) -> None:
    made = kept.begin()
    assert ending.looked_at(made, soon()) == made

    def long_ago(now: run.Run) -> Step:
        return Step(replace(now, until=int(time.time()) - ending.LOST_SECONDS - 1))

    lost = ending.looked_at(change(made.id, long_ago, soon()), soon())
    assert (lost.status, lost.reason) == ("failed", "lost")
    assert [each.type for each in after(made.id)] == ["error", "done"]


def test_a_run_whose_tasks_wait_for_people_is_not_lost(kept: Runs) -> None:
    terms = replace(TERMS, publishes=True)
    made = kept.begin(Order("blog_generation", {}, terms, tasks=[{"prompt": "a"}]))

    def long_ago(now: run.Run) -> Step:
        return Step(replace(now, until=int(time.time()) - ending.LOST_SECONDS - 1))

    assert not ending.looked_at(change(made.id, long_ago, soon()), soon()).over


def test_a_run_that_cannot_be_started_ends_and_gives_its_slot_back(kept: Runs) -> None:
    """Its state machine is not there: each is refused as such, never because the others take all slots."""
    for _ in range(MOST + 1):
        with pytest.raises(StoreUnavailable):
            start(kept.caller, Order("research", {"topic": "a"}, TERMS), soon())
    kept.begin()


@pytest.mark.parametrize("name", ["", "x" * 3_000])
def test_what_can_be_no_id_is_nobodys_run(kept: Runs, name: str) -> None:
    with pytest.raises(NotFound):
        run.find(name)


def test_nothing_is_read_of_a_table_that_is_not_there(kept: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    made = kept.begin()
    assert table.get(run.runs_table(), {"runId": made.id, "item": "nothing"}) is None
    with pytest.raises(NotFound):
        change("run-none", lambda now: Step(now, [Event("done")]), Deadline.after(1))
