"""A run's events as a stream: it ends in time and says where to go on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents import watching
from llm_core.deadline import Deadline
from llm_core.runs import ending
from llm_core.runs.change import Step, change
from llm_core.runs.events import Event
from tests.llm_core.accounts.books import Books
from tests.llm_core.conftest import books as books
from tests.llm_core.runs.conftest import Runs, soon
from tests.llm_core.runs.conftest import kept as kept


def read(pieces: Any) -> list[dict[str, Any]]:
    text = b"".join(pieces).decode()
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]


def test_before_the_wall_it_says_where_to_go_on(kept: Runs, books: Books) -> None:
    run = kept.begin()
    change(run.id, lambda now: Step(now, [Event("think"), Event("tool_call")]), soon())
    told = read(watching.told(run, 0, Deadline.after(0.5)))
    assert [each["type"] for each in told] == ["think", "tool_call", "reconnect"]
    assert told[-1]["data"] == {"afterSeq": 2}
    change(run.id, lambda now: ending.ended(now, "succeeded"), soon())
    assert [each["seq"] for each in read(watching.told(run, 2, Deadline.after(5)))] == [3]


@pytest.mark.parametrize("seen", [1, 99_999_999])
def test_a_run_that_is_over_has_nothing_more_to_tell(kept: Runs, books: Books, seen: int) -> None:
    run = change(kept.begin().id, lambda now: ending.ended(now, "succeeded"), soon())
    assert read(watching.told(run, seen, Deadline.after(30))) == []


def test_whoever_begins_after_the_end_is_let_go_when_it_comes(
    kept: Runs, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_LOOKS_AT_RUN", 1)
    run = kept.begin()
    change(run.id, lambda now: ending.ended(now, "succeeded"), soon())
    assert read(watching.told(run, 7, Deadline.after(30))) == []


def test_while_nothing_happens_it_is_kept_alive(kept: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SILENCE_S", 0.0)
    run = kept.begin()
    pieces = list(watching.told(run, 0, Deadline.after(1.8)))
    assert watching.COMMENT in pieces
    assert b"reconnect" in pieces[-1]


def test_what_fails_after_the_status_has_left_is_told_in_band(kept: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    run = kept.begin()
    monkeypatch.setenv("RUNS_TABLE_NAME", "nothing")
    from llm_core.settings import settings

    settings.cache_clear()
    (error,) = read(watching.told(run, 7, Deadline.after(5)))
    assert (error["type"], error["seq"], error["data"]["code"]) == ("error", 7, "store_unavailable")
