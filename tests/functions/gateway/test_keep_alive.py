"""An answer on its way out: its pieces, comments in its silences, one honest end, and no thread left behind."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

import pytest

from gateway import keep_alive
from gateway.keep_alive import COMMENT, KeptAlive
from llm_core.aws import telemetry
from llm_core.cancellation import Cancellation
from llm_core.deltas import TextPiece
from llm_core.errors import BudgetExceeded, DreyError
from llm_core.live import Live
from tests.functions.gateway.dialects.lives import Staged, cut, events, staged

PATIENCE_S = 5.0
SILENCE_S = 0.05


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds of silence are fifty milliseconds here."""
    monkeypatch.setattr(keep_alive, "SILENCE_S", SILENCE_S)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


def written(live: Live) -> Generator[bytes]:
    with closing(live):
        for event in live:
            for delta in event.deltas:
                assert isinstance(delta, TextPiece)
                yield delta.text.encode()
    yield b"end"


def failed(error: DreyError) -> bytes:
    return f"failed: {error.code}".encode()


def kept(stage: Staged, before: Callable[[], None] = lambda: None) -> KeptAlive:
    def opened() -> Live:
        before()
        return stage.live

    return KeptAlive(opened, written, failed)


TALK = events(TextPiece("a"), TextPiece("b"))


def test_what_was_whole_before_its_reader_left_can_be_had_to_its_end() -> None:
    """A client leaves at the last event, which may be before the body's own end."""
    body = kept(staged(TALK))
    assert next(body) == b"a"
    body._thread.join(PATIENCE_S)
    body.close()
    assert body.unread() == b"bend"


def test_what_was_left_before_its_end_is_not_whole() -> None:
    stage = staged(TALK, failure=cut())
    body = kept(stage)
    assert next(body) == b"a"
    body.close()
    assert body.unread() is None


def test_the_pieces_come_as_they_are_made() -> None:
    assert [*kept(staged(TALK))] == [b"a", b"b", b"end"]


def test_each_piece_comes_at_once() -> None:
    said, heard = threading.Event(), threading.Event()

    def wait() -> None:
        if said.is_set():
            assert heard.wait(PATIENCE_S), "the first piece waited for the second"
        said.set()

    body = kept(staged(TALK, before=wait))
    assert next(body) == b"a"
    heard.set()
    assert [*body] == [b"b", b"end"]


def test_silence_is_broken_by_comments_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    speak = threading.Event()
    body = kept(staged(TALK, before=lambda: wait_for(speak)))
    began = time.monotonic()
    assert [next(body) for _ in range(3)] == [COMMENT] * 3
    assert time.monotonic() - began >= 3 * SILENCE_S
    speak.set()
    assert [piece for piece in body if piece != COMMENT] == [b"a", b"b", b"end"]


def test_a_comment_goes_out_every_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert keep_alive.SILENCE_S == 5
    assert COMMENT == b": keep-alive\n\n"


def wait_for(event: threading.Event) -> None:
    assert event.wait(PATIENCE_S)


# Its beginning


def test_the_door_learns_who_answers_before_the_first_piece() -> None:
    stage = staged(TALK)
    body = kept(stage)
    assert body.begun(PATIENCE_S) is stage.live
    assert [*body] == [b"a", b"b", b"end"]


def test_what_fails_before_the_answer_begins_is_an_ordinary_refusal() -> None:
    def refuse() -> None:
        raise BudgetExceeded("no more")

    with pytest.raises(BudgetExceeded):
        kept(staged(TALK), refuse).begun(PATIENCE_S)


def test_a_door_that_did_not_wait_for_the_beginning_is_kept_alive_until_it_comes() -> None:
    speak = threading.Event()
    body = kept(staged(TALK), lambda: wait_for(speak))
    assert body.begun(0.01) is None
    assert next(body) == COMMENT
    speak.set()
    assert [piece for piece in body if piece != COMMENT] == [b"a", b"b", b"end"]


def test_a_door_that_did_not_wait_tells_in_band_what_failed_then() -> None:
    speak = threading.Event()

    def refuse() -> None:
        wait_for(speak)
        raise BudgetExceeded("no more")

    body = kept(staged(TALK), refuse)
    assert body.begun(0.01) is None
    speak.set()
    assert [piece for piece in body if piece != COMMENT] == [b"failed: budget_exceeded"]


# Its end


def test_a_failure_is_told_in_band_and_nothing_follows_it(log: io.StringIO) -> None:
    body = kept(staged(TALK, failure=cut()))
    with telemetry.request(request_id="another"):
        assert [*body] == [b"a", b"b", b"failed: provider_error"]
        assert [*body] == []
    assert [line["error.type"] for line in lines(log, "request_failed")] == ["provider_error"]


def test_a_defect_is_told_without_its_words_and_logged_with_the_requests_labels(log: io.StringIO) -> None:
    with telemetry.request(request_id="req-1"):
        body = kept(staged(TALK, failure=KeyError("secret")))
    assert [*body] == [b"a", b"b", b"failed: internal"]
    assert [(line["error.type"], line["request_id"]) for line in lines(log, "defect")] == [("KeyError", "req-1")]


def test_even_an_exit_is_an_end() -> None:
    def leave() -> None:
        raise SystemExit

    assert [*kept(staged(TALK), leave)] == [b"failed: internal"]


def lines(log: io.StringIO, event: str) -> list[dict[str, str]]:
    told = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in told if line.get("event") == event]


# A caller who leaves


def test_who_leaves_cancels_the_provider_and_waits_until_it_is_settled() -> None:
    stage = staged(TALK)

    def until_cancelled() -> None:
        until = time.monotonic() + PATIENCE_S
        while stage.telling.started and not stage.telling.cancelled:
            assert time.monotonic() < until
            time.sleep(0.001)

    stage.telling.before = until_cancelled
    body = kept(stage)
    assert next(body) == b"a"
    body.close()
    assert stage.telling.cancelled
    assert stage.telling.closed
    assert stage.booking.ended
    assert [*body] == []


def test_who_leaves_before_reading_anything_settles_too() -> None:
    stage = staged(TALK)
    body = kept(stage)
    body.begun(PATIENCE_S)
    body.close()
    assert stage.booking.ended


def test_who_leaves_before_it_begins_settles_too() -> None:
    leaving = threading.Event()
    stage = staged(TALK)
    body = kept(stage, lambda: wait_for(leaving))
    threading.Timer(0.05, leaving.set).start()
    body.close()
    assert leaving.is_set()
    assert stage.telling.closed
    assert stage.booking.ended


def test_who_leaves_before_it_begins_ends_what_is_waited_for() -> None:
    cancellation, opening, ended = Cancellation(), threading.Event(), threading.Event()

    def silent() -> Live:
        cancellation.ends(ended.set)
        opening.set()
        wait_for(ended)
        raise cut()

    body = KeptAlive(silent, written, failed, cancellation)
    wait_for(opening)
    body.close()
    assert ended.is_set()


def test_a_defect_after_the_caller_has_gone_is_in_the_log(log: io.StringIO) -> None:
    stage = staged(TALK)
    stage.telling.before = lambda: wait_for(gone) if stage.telling.started else None
    gone = threading.Event()

    def write(live: Live) -> Generator[bytes]:
        yield b"a"
        wait_for(gone)
        raise KeyError("secret")

    body = KeptAlive(lambda: stage.live, write, failed)
    assert next(body) == b"a"
    threading.Timer(0.05, gone.set).start()
    body.close()
    assert [line["error.type"] for line in lines(log, "defect")] == ["KeyError"]


def test_all_of_it_happens_on_one_thread() -> None:
    seen = set()

    def mark() -> None:
        seen.add(threading.current_thread())

    def write(live: Live) -> Generator[bytes]:
        try:
            for piece in written(live):
                mark()
                yield piece
        finally:
            mark()

    stage = staged(TALK, before=mark)

    def opened() -> Live:
        mark()
        return stage.live

    assert len([*KeptAlive(opened, write, failed)]) == 3
    assert len(seen) == 1
    assert threading.current_thread() not in seen
