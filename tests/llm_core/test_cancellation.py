"""Who is told that nobody waits any more."""

from __future__ import annotations

from llm_core.cancellation import Cancellation


def test_what_is_under_way_is_ended_and_what_was_before_it_is_not() -> None:
    ended: list[str] = []
    cancellation = Cancellation()
    cancellation.ends(lambda: ended.append("first"))
    cancellation.ends(lambda: ended.append("second"))
    assert (cancellation.cancelled, ended) == (False, [])
    cancellation.cancel()
    assert (cancellation.cancelled, ended) == (True, ["second"])


def test_what_begins_too_late_is_ended_at_once() -> None:
    ended: list[str] = []
    cancellation = Cancellation()
    cancellation.cancel()
    cancellation.ends(lambda: ended.append("late"))
    assert ended == ["late"]
