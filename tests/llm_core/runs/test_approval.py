"""A person's word: about exactly what was shown, once, and never against a run that has ended."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Barrier
from typing import Any, Literal

import pytest

from llm_core.aws import machine
from llm_core.runs import approval
from llm_core.runs import run as runs
from llm_core.runs.approval import NotWaiting
from llm_core.runs.cancel import cancel
from llm_core.runs.change import Step, change
from llm_core.runs.events import after
from llm_core.runs.run import Run
from tests.llm_core.runs.conftest import Runs, soon

SHOWN = [{"tool": "http_request", "arguments": {"url": "https://example.org", "method": "GET"}}]


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens with which the state machine was told to go on. The machine itself is in tests/wire."""
    tokens: list[str] = []
    monkeypatch.setattr(machine, "answer", tokens.append)
    monkeypatch.setattr(machine, "stop", lambda *_: None)
    return tokens


def waiting(kept: Runs, what: Literal["tools", "publish"] = "tools") -> Run:
    def ask(now: Run) -> Step:
        after, event = approval.asked(now, 1, what, SHOWN, "May it?")
        return Step(after, [event])

    return change(kept.begin().id, ask, soon())


def test_the_digest_is_of_the_exact_arguments_whatever_their_order(kept: Runs) -> None:
    run = waiting(kept)
    assert run.pending is not None
    assert run.pending.digest == approval.digest(
        [{"arguments": {"method": "GET", "url": "https://example.org"}, "tool": "http_request"}]
    )
    other = [{"tool": "http_request", "arguments": {"url": "https://example.org", "method": "POST"}}]
    assert approval.digest(other) != run.pending.digest
    with pytest.raises(NotWaiting):
        approval.decide(run.id, "approved", soon(), of=approval.digest(other))
    assert approval.decide(run.id, "approved", soon(), of=run.pending.digest).status == "running"


def test_the_word_and_the_token_may_come_in_any_order(kept: Runs, answered: list[str]) -> None:
    first = waiting(kept)
    approval.wait(first.id, 1, "token-1", soon())
    assert answered == []
    approval.decide(first.id, "approved", soon())
    assert answered == ["token-1"]

    second = waiting(kept)
    approval.decide(second.id, "rejected", soon(), note="No.")
    approval.wait(second.id, 1, "token-2", soon())
    assert answered == ["token-1", "token-2"]
    found = runs.find(second.id).pending
    assert found is not None
    assert (found.decided, found.note) == ("rejected", "No.")


def test_the_same_word_twice_is_one_and_another_is_refused(kept: Runs, answered: list[str]) -> None:
    run = waiting(kept)
    approval.wait(run.id, 1, "token", soon())
    for _ in range(2):
        approval.decide(run.id, "approved", soon())
    assert answered == ["token", "token"], "the first may have been lost"
    with pytest.raises(NotWaiting):
        approval.decide(run.id, "rejected", soon())
    assert [event.data.get("decided") for event in after(run.id)] == [None, "approved"]


def test_silence_is_a_no_that_comes_too_late_after_a_yes(kept: Runs, answered: list[str]) -> None:
    silent, quick = waiting(kept), waiting(kept)
    approval.decide(silent.id, "expired", soon())
    approval.decide(quick.id, "approved", soon())
    approval.decide(quick.id, "expired", soon())
    decided = [getattr(runs.find(run.id).pending, "decided", None) for run in (silent, quick)]
    assert decided == ["expired", "approved"]


def test_what_is_to_be_published_ends_with_the_word(kept: Runs, answered: list[str]) -> None:
    for word, status, reason in (("approved", "succeeded", ""), ("rejected", "failed", "rejected")):
        run = waiting(kept, "publish")
        over = approval.decide(run.id, "approved" if word == "approved" else "rejected", soon())
        assert (over.status, over.reason, over.pending) == (status, reason, None)
        assert after(run.id)[-1].type == "done"


def test_of_approve_reject_and_cancel_at_once_exactly_one_happens(kept: Runs, answered: list[str]) -> None:
    outcomes = set()
    for _ in range(6):
        run = waiting(kept, "publish")
        start = Barrier(3)

        def at_once(do: Callable[[], Any], start: Barrier = start) -> None:
            start.wait()
            with suppress(NotWaiting):
                do()

        acts: list[Callable[[], Any]] = [
            partial(approval.decide, run.id, "approved", soon()),
            partial(approval.decide, run.id, "rejected", soon()),
            partial(cancel, run.id, soon()),
        ]
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(at_once, acts))
        over = runs.find(run.id)
        events = after(run.id)
        assert over.over
        outcomes.add(over.status)
        assert [event.type for event in events].count("done") == 1
        assert events[-1].data["status"] == over.status
        assert len([event for event in events if "decided" in event.data]) == (over.status != "cancelled")
    assert outcomes <= {"succeeded", "failed", "cancelled"}


def test_a_run_that_has_ended_waits_for_nobody(kept: Runs, answered: list[str]) -> None:
    run = waiting(kept)
    cancel(run.id, soon())
    with pytest.raises(NotWaiting):
        approval.decide(run.id, "approved", soon())
    approval.wait(run.id, 1, "late", soon())
    assert answered == ["late"], "the machine goes on, to find that it is over"
