"""Answers of models, event after event, by hand: a real Live, without a provider and without a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from gateway.dialects import anthropic_messages_stream, native_stream, openai_chat_stream, openai_responses_stream
from gateway.keep_alive import KeptAlive
from llm_core.accounts.holds import Hold
from llm_core.attempt import Attempt
from llm_core.call import Call
from llm_core.callers import Caller
from llm_core.catalog import PACKAGE, Catalog
from llm_core.deltas import Began, CallBegun, CallPiece, Delta, Event, Finished, Heard, TextPiece, Used
from llm_core.errors import DreyError
from llm_core.failures import ProviderFailed
from llm_core.gateway import Answer
from llm_core.live import Live, Opened
from llm_core.messages import Finish, Reply, Request, Usage
from llm_core.payment import Allowance, Payment
from llm_core.providers.frames import server_sent
from llm_core.providers.streaming import Reader, Stream
from tests.llm_core.test_journal import ROW

CATALOG = Catalog(PACKAGE.read_bytes())
CLAUDE, GPT = CATALOG.model("claude-haiku-4-5"), CATALOG.model("gpt-4.1-mini")
MODELS = {"anthropic": CLAUDE, "openai": GPT}
CREATED = 1_800_000_000
USAGE = Usage(input=20, cache_read=7, cache_write_5m=3, output=9, reasoning=4)

DIALECTS: dict[str, Any] = {
    "openai": openai_chat_stream,
    "anthropic": anthropic_messages_stream,
    "native": native_stream,
    "responses": openai_responses_stream,
}


@dataclass
class Telling:
    """A provider's stream: these events, then its end or this failure. `before` runs before each event is told."""

    events: Iterable[Event]
    failure: Exception | None = None
    before: Callable[[], None] = lambda: None
    started: bool = False
    closed: bool = False
    cancelled: bool = False
    skipped: int = 0

    def __iter__(self) -> Iterator[Event]:
        for event in self.events:
            self.before()
            self.started = True
            yield event
        self.before()
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        self.closed = True

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Booking:
    """An attempt whose row is written when it ends, unless `failure` says that it cannot be."""

    call: Call
    failure: DreyError | None = None
    ended: bool = False
    reply: Reply | None = None

    @property
    def payment(self) -> Payment:
        assert self.call.payment is not None
        return self.call.payment

    def end(self, reply: Reply | None, _: DreyError | None) -> None:
        if self.failure is not None:
            raise self.failure
        self.ended, self.reply = True, reply
        self.payment.rows.append(replace(ROW, id=self.call.id))


@dataclass
class Staged:
    """A Live and what is behind it."""

    live: Live
    telling: Telling
    booking: Booking

    def pieces(self, dialect: str, **request: Any) -> Generator[bytes]:
        """The answer in this dialect."""
        made: Generator[bytes] = DIALECTS[dialect].stream(self.live, Request("m", (), stream=True, **request))
        return made

    def sent(self, dialect: str, **request: Any) -> list[bytes]:
        """All that a caller of this dialect gets, as the door sends it: a failure too."""
        failed = partial(DIALECTS[dialect].failed, request_id="req-1")
        return [*KeptAlive(lambda: self.live, lambda _: self.pieces(dialect, **request), failed)]


def call() -> Call:
    made = Call(Caller("sk-proj-aaaaaaaaaaaa", "ada", frozenset()), "chat", "m", b"", created=CREATED)
    made.payment = Payment(Allowance(), Hold(made.id, "ada"))
    return made


def staged(
    events: Iterable[Event],
    provider: str = "anthropic",
    *,
    failure: Exception | None = None,
    unbookable: DreyError | None = None,
    before: Callable[[], None] = lambda: None,
) -> Staged:
    telling, booking = Telling(events, failure, before), Booking(call(), unbookable)
    opened = Opened(cast(Attempt, booking), (), cast(Stream, telling))
    return Staged(Live(booking.call, MODELS[provider], False, 0, opened), telling, booking)


def cut() -> ProviderFailed:
    """How a stream that was cut ends."""
    return ProviderFailed("anthropic broke off its answer.", provider="anthropic", status=200)


def events(*deltas: Delta) -> list[Event]:
    """Each delta in an event of its own, without a dialect."""
    return [Event(b"", {}, (delta,)) for delta in deltas]


def answer(*deltas: Delta, finish: Finish = "stop", usage: Usage | None = USAGE) -> list[Delta]:
    """An answer that says this, whole."""
    return [Began("theirs", "theirs"), *deltas, Finished(finish), *([Used(usage)] if usage else [])]


def passed(pieces: Iterable[bytes], reader: Reader) -> list[Event]:
    """A provider's own events, read as the provider's room reads them."""
    found = []
    for frame in server_sent(pieces):
        assert frame.data is not None
        data, deltas = reader.read(frame.data)
        if not reader.ended:
            found.append(Event(frame.raw, data, deltas))
    return found


def whole(dialect: Any, deltas: list[Delta], provider: str = "anthropic") -> dict[str, Any]:
    """What the dialect's writer of whole answers makes of the same, under the same id and at the same price."""
    heard = Heard()
    for event in events(*deltas):
        heard.hear(event)
    assert heard.reply is not None
    made = call()
    assert made.payment is not None
    made.payment.rows.append(ROW)
    written: dict[str, Any] = dialect.write(Answer(made, MODELS[provider], heard.reply, fallback=False))
    return written


def read(pieces: Iterable[bytes]) -> list[Any]:
    """The data of each event; of `[DONE]` the word itself."""
    found: list[Any] = []
    for frame in server_sent(pieces):
        assert frame.data is not None
        found.append("[DONE]" if frame.data == b"[DONE]" else json.loads(frame.data))
    return found


TALK: list[Delta] = [TextPiece("Let me "), TextPiece("look. 🐿️")]
CALLS: list[Delta] = [
    CallBegun(0, "call_a", "get_weather"),
    CallPiece(0, '{"city": '),
    CallPiece(0, '"Lisbon"}'),
    CallBegun(1, "call_b", "get_time"),
    CallPiece(1, "{}"),
]
