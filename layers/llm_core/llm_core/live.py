"""An answer that is told while it is written, and accounted for when it ends: whole, cut, or left by its caller."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from llm_core.attempt import Attempt
from llm_core.aws.telemetry import logger
from llm_core.call import Call
from llm_core.catalog import Model
from llm_core.deltas import Event, Heard
from llm_core.errors import LedgerUnavailable
from llm_core.failures import ProviderCancelled, ProviderError, ProviderFailed
from llm_core.messages import ToolCall
from llm_core.providers.streaming import Stream
from llm_core.watch import Watch


@dataclass(frozen=True, slots=True)
class Opened:
    """One attempt whose model has begun to speak: what it said so far, and the stream it goes on in."""

    attempt: Attempt
    said: Sequence[Event]
    stream: Stream


def opened(attempt: Attempt, stream: Stream) -> Opened:
    """Read until the first content, which decides: up to here another candidate may still answer instead.

    Raises as Attempt.begin does.
    """
    return attempt.begin(lambda: Opened(attempt, _until_content(stream), stream))


def _until_content(stream: Stream) -> list[Event]:
    said: list[Event] = []
    for event in stream:
        said.append(event)
        if event.has_content:
            break
    return said


@dataclass(slots=True)
class Live:
    """The events of one call's answer. Whoever stops reading must `close`: the provider is then told, and it is paid.

    `heard` is what has come so far, `limit` the tokens it may have. Reading raises DreyError when the answer breaks
    off; after the last event the call is settled and `call.charged` is what it cost.
    """

    call: Call
    model: Model
    fallback: bool
    limit: int
    _opened: Opened
    heard: Heard = field(default_factory=Heard)
    attempts: int = field(init=False)
    _events: Generator[Event | None] = field(init=False)

    def __post_init__(self) -> None:
        self.attempts = len(self.call.rows) + 1  # this one has no row yet
        self._events = self._told()
        next(self._events)  # so that closing it settles the call even before the first event was read

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        event = next(self._events)
        assert event is not None  # noqa: S101 - only the first was none
        return event

    def close(self) -> None:
        self._events.close()

    def cancel(self) -> None:
        """From any thread: reading ends at once, in ProviderCancelled."""
        self._opened.stream.cancel()

    def _told(self) -> Generator[Event | None]:
        ended: ProviderError | None = ProviderCancelled("Its caller has gone.", provider=self.model.provider)
        with Watch(self.call, self.cancel) as watch:
            try:
                yield None
                for event in chain(self._opened.said, self._opened.stream):
                    self.heard.hear(event)
                    self._check()
                    yield event
                self._check()
                ended = None
            except ProviderError as failure:
                ended = self._cancelled() if watch.stopped else failure
            finally:
                self._opened.stream.close()
                self._disclose()
                self._settle(ended)
        if ended is not None:
            raise ended

    def _cancelled(self) -> ProviderCancelled:
        words = f"This call was cancelled by DELETE /v1/generations/{self.call.id}."
        return ProviderCancelled(words, provider=self.model.provider)

    def _check(self) -> None:
        """A tool call may lack a piece by an event that nobody could read, and would be carried out: no answer then."""
        if self._opened.stream.skipped and any(isinstance(part, ToolCall) for part in self.heard.parts):
            words = f"{self.model.provider} sent a tool call that cannot be read to its end."
            raise ProviderFailed(words, provider=self.model.provider, status=200)

    def _disclose(self) -> None:
        """What was left out is told with the answer's account, and to the log."""
        self.call.skipped_events = skipped = self._opened.stream.skipped
        if skipped:
            facts = {"event": "stream_damaged", "model": self.model.name, "call": self.call.id, "skipped": skipped}
            logger.warning("events of an answer could not be read", extra=facts)

    def _settle(self, ended: ProviderError | None) -> None:
        """Raises LedgerUnavailable; the sweeper then books what is held."""
        payment = self._opened.attempt.payment
        try:
            self._opened.attempt.end(None if ended else self.heard.reply, ended)
        except LedgerUnavailable as lost:
            payment.tell(lost)
            raise
        finally:
            payment.settle()
        if ended is not None:
            payment.tell(ended)
