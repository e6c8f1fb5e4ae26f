"""Changes of a run that meet: each happens once, and the events are numbered without gaps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from llm_core.runs import run as runs
from llm_core.runs.change import Done, Step, change
from llm_core.runs.events import Event, after
from llm_core.runs.run import Run
from tests.llm_core.runs.conftest import Runs, soon


def test_events_of_many_at_once_are_numbered_without_gaps_and_none_is_lost(kept: Runs) -> None:
    made = kept.begin()

    def tell(number: int) -> None:
        event = Event("observation", {"number": number})
        change(made.id, lambda now: Step(replace(now, cost=now.cost + 1), [event]), soon(30))

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(tell, range(40)))
    told = after(made.id)
    assert [event.seq for event in told] == list(range(1, 41))
    assert {event.data["number"] for event in told} == set(range(40))
    found = runs.find(made.id)
    assert (found.seq, found.cost) == (40, 40)


def test_a_reader_goes_on_after_what_it_has_seen(kept: Runs) -> None:
    made = kept.begin()
    change(made.id, lambda now: Step(now, [Event("think"), Event("tool_call"), Event("observation")]), soon())
    assert [event.type for event in after(made.id, 1)] == ["tool_call", "observation"]
    assert after(made.id, 3) == []


def test_a_step_that_is_made_twice_at_once_happens_once(kept: Runs) -> None:
    made = kept.begin()

    def turn(number: int) -> str:
        def decide(now: Run) -> Step:
            return Step(replace(now, cost=now.cost + 7), [Event("think")], [{"item": "turn#0001", "by": number}])

        try:
            change(made.id, decide, soon(30))
        except Done as done:
            return f"by {done.item['by']}"
        return "mine"

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(turn, range(8)))
    assert told.count("mine") == 1
    assert {word for word in told if word != "mine"} == {f"by {told.index('mine')}"}
    found = runs.find(made.id)
    assert (found.cost, [event.type for event in after(made.id)]) == (7, ["think"])


def test_what_is_decided_to_change_nothing_changes_nothing(kept: Runs) -> None:
    made = kept.begin()
    assert change(made.id, lambda _: None, soon()) == made
    with pytest.raises(ZeroDivisionError):
        change(made.id, lambda now: Step(replace(now, cost=1 // 0)), soon())
    assert runs.find(made.id) == made
