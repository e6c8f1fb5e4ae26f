"""The rules by which an answer is heard while it is written, in all three rooms, against every way to break one."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from llm_core.catalog import Limits
from llm_core.deadline import Deadline
from llm_core.deltas import Heard, TextPiece
from llm_core.errors import DeadlineExceeded
from llm_core.failures import (
    ProviderCancelled,
    ProviderDenied,
    ProviderError,
    ProviderFailed,
    ProviderOverloaded,
    ProviderRefused,
    ProviderTimeout,
    ProviderUnreachable,
)
from llm_core.providers.anthropic import Anthropic
from llm_core.providers.openai import OpenAI
from tests.llm_core.providers.test_transport import saying
from tests.llm_core.providers.upstream import MODELS, NAMES, Upstream, listen

PATIENT = Limits(first_token_s=10, stall_s=10)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    told: str = request.param
    return told


# ------------------------------------------------------------------------------------------------ how it can end

WHOLE: list[tuple[dict[str, Any], int]] = [
    ({"kind": "malformed_chunk"}, 1),
    ({"kind": "wrong_shape"}, 1),
    ({"kind": "empty_chunk"}, 0),
    ({"kind": "usage_twice"}, 0),
    ({"kind": "wrong_content_type"}, 0),
    ({"kind": "huge_chunk"}, 0),
]


@pytest.mark.parametrize(("fault", "skipped"), WHOLE, ids=str)
def test_what_does_no_harm_is_passed_over(upstream: Upstream, name: str, fault: dict[str, Any], skipped: int) -> None:
    usual = upstream.told(name)
    upstream.order(fault)
    told = upstream.told(name, PATIENT)
    assert (told.failure, told.skipped, told.heard.finish) == (None, skipped, "stop")
    assert told.text.endswith(usual.text)
    assert told.heard.usage is not None
    assert told.heard.usage.output == upstream.sold()["usage"]["output"]


BROKEN: list[tuple[dict[str, Any], type[ProviderError]]] = [
    ({"kind": "silence"}, ProviderTimeout),
    ({"kind": "slow_headers", "seconds": 2}, ProviderTimeout),
    ({"kind": "slow_first_token", "seconds": 2}, ProviderTimeout),
    ({"kind": "pings_only", "every_s": 0.02}, ProviderTimeout),
    ({"kind": "stall"}, ProviderTimeout),
    ({"kind": "reset"}, ProviderFailed),
    ({"kind": "reset_mid_stream"}, ProviderFailed),
    ({"kind": "cut"}, ProviderFailed),
    ({"kind": "cut", "clean": False}, ProviderFailed),
    ({"kind": "cut", "after_bytes": 150}, ProviderFailed),
    ({"kind": "cut", "after_bytes": 0}, ProviderFailed),
    ({"kind": "missing_end"}, ProviderFailed),
    ({"kind": "html_page"}, ProviderFailed),
]


@pytest.mark.parametrize(("fault", "kind"), BROKEN, ids=str)
def test_what_has_no_real_end_is_a_failure_in_time_whose_cost_nobody_knows(
    upstream: Upstream, name: str, fault: dict[str, Any], kind: type[ProviderError]
) -> None:
    upstream.order(fault)
    began = time.monotonic()
    told = upstream.told(name)
    assert type(told.failure) is kind
    assert told.failure.end_unknown
    assert time.monotonic() - began < 1.5


PATHS = {
    "anthropic": "/v1/messages",
    "openai": "/v1/chat/completions",
    "bedrock": f"/model/{MODELS['bedrock']}/invoke-with-response-stream",
}


def test_a_redirect_is_not_followed_because_prompt_and_key_would_go_with_it(upstream: Upstream, name: str) -> None:
    upstream.order({"kind": "redirect", "code": 307, "location": PATHS[name]}, times=1)
    told = upstream.told(name)
    assert type(told.failure) is ProviderFailed
    assert (told.failure.status, told.failure.end_unknown) == (307, False), "nobody sells anything by sending away"
    assert upstream.asked() == 1


def test_a_page_for_people_is_told_by_what_it_is(upstream: Upstream, name: str) -> None:
    upstream.order({"kind": "html_page"})
    failure = upstream.told(name).failure
    assert failure is not None
    assert failure.message == f"{name} sent a page for people."


def test_an_end_without_a_reason_is_none(upstream: Upstream) -> None:
    """The event with the reason is the one that could not be read."""
    events = [b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n']
    events += [b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{},"finish_\n\n', b"data: [DONE]\n\n"]
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    with saying([head, *events]) as url:
        room = OpenAI("openai", secret="env:UPSTREAM_KEY", base_url=url)
        told = Upstream(upstream.desk, {"openai": room}).told("openai", PATIENT)
    assert type(told.failure) is ProviderFailed
    assert (told.text, told.skipped, told.heard.finish) == ("a", 1, None)


def test_a_damaged_frame_of_bedrocks_is_passed_over(upstream: Upstream) -> None:
    upstream.order({"kind": "bad_crc"})
    told = upstream.told("bedrock")
    assert (told.failure, told.skipped, told.heard.finish) == (None, 1, "stop")


STATUSES = [(400, ProviderRefused), (401, ProviderDenied), (429, ProviderOverloaded), (500, ProviderFailed)]


@pytest.mark.parametrize(("code", "kind"), [*STATUSES, (503, ProviderOverloaded), (529, ProviderOverloaded)])
def test_a_refusal_before_the_stream_is_told_as_by_send(
    upstream: Upstream, name: str, code: int, kind: type[ProviderError]
) -> None:
    upstream.order({"kind": "status", "code": code, "retry_after": 3})
    failure = upstream.told(name).failure
    assert type(failure) is kind
    assert (failure.status, failure.retry_after_s, failure.end_unknown) == (code, 3, False)
    assert failure.provider_request_id


IN_BAND = [
    ("anthropic", "overloaded_error", ProviderOverloaded),
    ("anthropic", "rate_limit_error", ProviderOverloaded),
    ("anthropic", "api_error", ProviderFailed),
    ("anthropic", "invalid_request_error", ProviderRefused),
    ("openai", "server_error", ProviderFailed),
    ("openai", "rate_limit_exceeded", ProviderOverloaded),
    ("openai", "invalid_request_error", ProviderRefused),
    ("bedrock", "throttlingException", ProviderOverloaded),
    ("bedrock", "serviceUnavailableException", ProviderOverloaded),
    ("bedrock", "validationException", ProviderRefused),
    ("bedrock", "modelStreamErrorException", ProviderFailed),
]


@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.parametrize(("room", "type_", "kind"), IN_BAND)
def test_an_error_inside_a_stream_is_told_by_its_name_and_may_have_been_billed(
    upstream: Upstream, room: str, type_: str, kind: type[ProviderError], after: int
) -> None:
    upstream.order({"kind": "in_band_error", "type": type_, "message": "No more.", "after_events": after})
    told = upstream.told(room)
    assert type(told.failure) is kind
    assert (told.failure.status, told.failure.end_unknown) == (200, True)
    assert "No more." in told.failure.message
    assert told.failure.provider_request_id
    assert sum(event.has_content for event in told.events) == after


def test_in_prod_its_words_are_not_repeated(upstream: Upstream, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    room = upstream.rooms[name]
    monkeypatch.setattr("llm_core.providers.base.settings", lambda: type("Prod", (), {"is_prod": True}))
    upstream.order({"kind": "in_band_error", "message": "the customer's prompt"})
    failure = upstream.told(name).failure
    assert failure is not None
    assert failure.message == f"{room.name} broke off its answer."


def test_an_account_that_is_missing_is_none_and_not_zero(upstream: Upstream, name: str) -> None:
    upstream.order({"kind": "usage_missing"})
    told = upstream.told(name)
    assert (told.failure, told.heard.finish, told.heard.usage, told.heard.reply) == (None, "stop", None, None)


def test_nobody_there_is_told_apart_because_nothing_was_sent(upstream: Upstream) -> None:
    room = Anthropic("anthropic", secret="env:UPSTREAM_KEY", base_url="http://127.0.0.1:9")
    told = Upstream(upstream.desk, {"anthropic": room}).told("anthropic")
    assert type(told.failure) is ProviderUnreachable
    assert not told.failure.end_unknown


# ------------------------------------------------------------------------------------------------ time


def test_each_piece_is_here_when_it_was_written_and_not_at_the_end(upstream: Upstream, name: str) -> None:
    """By the understudy's own account: while the first piece is in hand, it has not written the last."""
    upstream.perform(text="one two three four", output_tokens=4)
    upstream.pace(between_tokens_s=0.15)
    with closing(upstream.stream(name)) as stream:
        while not any(isinstance(delta, TextPiece) for delta in next(stream).deltas):
            pass
        assert upstream.sold()["open"]
        assert upstream.sold()["usage"]["output"] < 4


def test_an_answer_may_last_as_long_as_it_goes_on(upstream: Upstream, name: str) -> None:
    """Eight pauses, each shorter than the limit, are together four times as long."""
    upstream.perform(text="a b c d e f g h i")
    upstream.pace(first_token_s=0.15, between_tokens_s=0.15)
    told = upstream.told(name)
    assert (told.failure, told.text) == (None, "a b c d e f g h i")


def test_but_no_longer_than_its_deadline(upstream: Upstream, name: str) -> None:
    upstream.perform(text="word " * 40)
    upstream.pace(between_tokens_s=0.1)
    began = time.monotonic()
    told = listen(upstream.stream(name, seconds=0.6))
    assert type(told.failure) is ProviderTimeout
    assert told.text.startswith("word")
    assert time.monotonic() - began < 1.5


def test_a_later_pause_has_a_limit_of_its_own(upstream: Upstream, name: str) -> None:
    upstream.perform(text="one two three")
    upstream.pace(between_tokens_s=0.6)
    told = upstream.told(name, Limits(first_token_s=0.4, stall_s=3))
    assert (told.failure, told.text) == (None, "one two three")


def test_a_streams_limits_end_with_it(upstream: Upstream, name: str) -> None:
    """What the same thread asks for next has its own time."""
    assert upstream.told(name).failure is None
    upstream.pace(first_token_s=0.6)
    asked = {"model": MODELS[name], "max_tokens": 200, "messages": [{"role": "user", "content": "Hello"}]}
    assert upstream.rooms[name].send(asked, Deadline.after(10)).finish == "stop"


def test_the_listeners_own_time_is_not_held_against_the_provider(upstream: Upstream, name: str) -> None:
    """It takes longer over some events than any limit allows between two."""
    upstream.perform(text="one two three")
    upstream.pace(first_token_s=0.1, between_tokens_s=0.02)
    heard = Heard()
    for number, event in enumerate(upstream.stream(name, Limits(first_token_s=0.5, stall_s=0.3))):
        time.sleep(0.6 if number % 3 == 0 else 0)
        heard.hear(event)
    assert heard.finish == "stop"


def test_nothing_is_sent_before_the_first_event_is_asked_for(upstream: Upstream, name: str) -> None:
    stream = upstream.stream(name)
    assert upstream.asked() == 0
    next(stream)
    assert upstream.asked() == 1
    stream.close()


def test_without_time_nobody_is_asked(upstream: Upstream, name: str) -> None:
    with pytest.raises(DeadlineExceeded):
        next(upstream.stream(name, seconds=0))
    assert upstream.asked() == 0


# ------------------------------------------------------------------------------------------------ connections


def test_the_next_stream_uses_the_same_connection(upstream: Upstream, name: str) -> None:
    for _ in range(3):
        assert upstream.told(name).failure is None
    (connection,) = upstream.connections(name)
    assert connection.is_idle()
    before = upstream.connections(name)
    upstream.told(name)
    assert upstream.connections(name) == before


def test_who_stops_listening_is_heard_by_the_provider_at_once(upstream: Upstream, name: str) -> None:
    upstream.perform(text="word " * 100, output_tokens=100)
    upstream.pace(between_tokens_s=0.05)
    stream = upstream.stream(name)
    while not next(stream).has_content:
        pass
    stream.close()
    assert ended(upstream)["usage"]["output"] < 20
    assert upstream.connections(name) == []


def test_two_streams_may_be_read_in_turn(upstream: Upstream, name: str) -> None:
    """Each has its own time: the one that stalls does not end the other."""
    other = "openai" if name != "openai" else "anthropic"
    upstream.order({"kind": "stall"}, provider=other)
    upstream.perform(text="one two three")
    stalling, well = upstream.stream(other), upstream.stream(name, PATIENT)
    while not next(stalling).has_content:
        pass
    next(well)
    assert type(listen(stalling).failure) is ProviderTimeout
    assert listen(well).failure is None


def test_a_stream_may_be_opened_by_one_thread_and_read_on_by_another(upstream: Upstream, name: str) -> None:
    stream = upstream.stream(name)
    with ThreadPoolExecutor(1) as opener:
        opener.submit(next, stream).result()
    assert listen(stream).failure is None


# ------------------------------------------------------------------------------------------------ cancelling

WAITING = [
    {"kind": "silence"},
    {"kind": "slow_headers", "seconds": 20},
    {"kind": "slow_first_token", "seconds": 20},
    {"kind": "pings_only"},
    {"kind": "stall"},
]


@pytest.mark.parametrize("fault", WAITING, ids=str)
def test_another_thread_can_end_whatever_it_waits_for(upstream: Upstream, name: str, fault: dict[str, Any]) -> None:
    upstream.order(fault)
    stream = upstream.stream(name, PATIENT)
    with ThreadPoolExecutor(1) as reader:
        told = reader.submit(listen, stream)
        until(lambda: upstream.asked() == 1)
        time.sleep(0.1)  # into the read
        began = time.monotonic()
        stream.cancel()
        failure = told.result(timeout=5).failure
    assert time.monotonic() - began < 1
    assert type(failure) is ProviderCancelled
    assert (failure.again, failure.elsewhere, failure.end_unknown) == (False, False, True)
    assert not ended(upstream)["ended"]


def test_one_that_was_cancelled_between_two_events_says_so_at_the_next(upstream: Upstream, name: str) -> None:
    upstream.pace(between_tokens_s=0.05)
    stream = upstream.stream(name)
    next(stream)
    stream.cancel()
    assert type(listen(stream).failure) is ProviderCancelled


def test_cancelling_what_has_ended_harms_nobody_who_uses_its_connection(upstream: Upstream, name: str) -> None:
    """The connection goes back into the pool with the end, and serves another stream."""
    first = upstream.stream(name)
    assert listen(first).failure is None
    upstream.pace(between_tokens_s=0.02)
    second = upstream.stream(name)
    next(second)
    first.cancel()
    assert listen(second).failure is None


def test_cancelling_at_any_moment_ends_in_nothing_else(upstream: Upstream, name: str) -> None:
    """Thirty streams, each cancelled a little later than the one before: whole or cancelled, never anything else."""
    upstream.perform(text="a b c d e f g h")
    upstream.pace(between_tokens_s=0.003)
    found = set()
    for number in range(30):
        stream = upstream.stream(name, PATIENT)
        timer = threading.Timer(number * 0.002, stream.cancel)
        timer.start()
        failure = listen(stream).failure
        timer.join()
        found.add(type(failure))
    assert found <= {type(None), ProviderCancelled}
    assert ProviderCancelled in found


# ------------------------------------------------------------------------------------------------ keys


@pytest.mark.parametrize("room", ["anthropic", "openai"])
def test_a_new_key_is_picked_up_at_the_first_401(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, room: str
) -> None:
    """Given a key that was replaced since it was read, as `secret` would then give them out."""
    keys = {False: "sk-bad", True: "sk-test-1"}
    monkeypatch.setattr("llm_core.providers.base.secret", lambda _, *, fresh: keys[fresh])
    assert upstream.told(room).failure is None
    assert upstream.asked() == 2


# ------------------------------------------------------------------------------------------------ to read with


def ended(upstream: Upstream) -> dict[str, Any]:
    """The last call in the understudy's account, once it knows that it is over."""
    until(lambda: not upstream.sold()["open"])
    return upstream.sold()


def until(what: Any) -> None:
    patience = time.monotonic() + 10
    while not what():
        assert time.monotonic() < patience
        time.sleep(0.01)
