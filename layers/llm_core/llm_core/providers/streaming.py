"""What every provider's room that streams has in common: an answer heard while it is written, by the same rules.

The SDK opens the stream (address, key, signature, refusals); its bytes are read here, because the SDKs' readers end at
an event they cannot read, wait for ever behind pings, and take an answer that breaks off for a whole one.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from llm_core.catalog import Limits
from llm_core.deadline import Deadline
from llm_core.deltas import Delta, Event, Finished, Used
from llm_core.failures import ProviderCancelled, ProviderError, ProviderFailed, ProviderOverloaded, ProviderRefused
from llm_core.providers import frames
from llm_core.providers.base import Json, Provider
from llm_core.providers.complaints import request_id, said
from llm_core.providers.frames import Frame

if TYPE_CHECKING:
    import httpx2

_DRAIN_S = 0.5
"""Seconds that a connection may take to end after its answer has: if it does, it serves the next request too."""

_KINDS: dict[object, type[ProviderError]] = {
    "overloaded_error": ProviderOverloaded,
    "rate_limit_error": ProviderOverloaded,
    "rate_limit_exceeded": ProviderOverloaded,
    "overloaded": ProviderOverloaded,
    "throttlingException": ProviderOverloaded,
    "serviceUnavailableException": ProviderOverloaded,
    "invalid_request_error": ProviderRefused,
    "validationException": ProviderRefused,
}
"""What an error inside a stream calls itself. Any other name is ProviderFailed."""


class ToldError(Exception):
    """The stream's own event for an error, as it came."""

    def __init__(self, data: Json) -> None:
        super().__init__()
        self.data = data


class Reader(ABC):
    """Understands one stream, event after event. `ended`: its end marker was there."""

    ended = False

    @abstractmethod
    def read(self, data: bytes) -> tuple[Json, tuple[Delta, ...]]:
        """An event's JSON and what it says. Raises ToldError; may stumble over what is no event of its dialect."""

    @staticmethod
    def counted(read: Callable[[], Used]) -> tuple[Used, ...]:
        """A usage that cannot be read is none: what else the event says counts, and it is paid as nobody counted it."""
        try:
            return (read(),)
        except Exception:  # noqa: BLE001 - whatever it stumbles over
            return ()


class Streaming(Provider):
    """A provider whose answers can be heard while they are written."""

    def stream(self, body: Json, limits: Limits, until: Deadline) -> Stream:
        """One attempt with a body that `body` made. Nothing is sent before the first event is asked for."""
        return Stream(self, body, limits, until)

    @abstractmethod
    def _reader(self) -> Reader:
        """A new one for each stream."""

    def _streamed(self, body: Json) -> Json:
        """The body that asks for a stream, with its usage."""
        return {**body, "stream": True}

    def _frames(self, chunks: Iterable[bytes]) -> Iterator[Frame]:
        return frames.server_sent(chunks)

    def _broken_off(self, told: Json, response: httpx2.Response) -> ProviderError:
        """An error that came inside a stream."""
        error = told.get("error")
        names = (error.get("type"), error.get("code")) if isinstance(error, dict) else ()
        kind = next((_KINDS[name] for name in names if isinstance(name, str) and name in _KINDS), ProviderFailed)
        return kind(
            self._worded(f"{self.name} broke off its answer", said(told)),
            provider=self.name,
            status=response.status_code,
            provider_request_id=request_id(response.headers),
        )


class Stream:
    """One attempt: its events up to a real end, which is not one of them.

    Raises what `send` raises; ProviderTimeout when the first content or the next is late; ProviderFailed for an answer
    that ends before its end. Read by one thread at a time; whoever stops early calls `close` on that thread, whoever
    wants it to stop calls `cancel` on any. `skipped` counts the events that could not be read.
    """

    def __init__(self, room: Streaming, body: Json, limits: Limits, until: Deadline) -> None:
        from llm_core.providers.transport import Reading

        self.skipped = 0
        self._room = room
        self._body = body
        self._limits = limits
        self._until = until
        self._late = 0.0  # on the monotonic clock: when there must be more
        self._reader = room._reader()
        self._reading = Reading()
        self._events = self._heard()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        return next(self._events)

    def close(self) -> None:
        """Ends the connection too, unless the answer had ended: that is how the provider learns of it."""
        self._events.close()

    def cancel(self) -> None:
        """A read that waits ends at once, in ProviderCancelled."""
        self._reading.cancel()

    def _heard(self) -> Generator[Event]:
        try:
            with self._room._translated():
                response = self._room._with_key(self._opened)
                with closing(response):
                    yield from self._read(response)
        except ProviderError as failure:
            if not self._reading.cancelled:
                raise
            name = self._room.name
            raise ProviderCancelled(f"The answer of {name} is not wanted any more.", provider=name) from failure

    def _opened(self, key: str) -> httpx2.Response:
        """The answer's head."""
        import httpx2

        client = self._room._client(key)  # the first one takes its time, which is not the provider's
        left = self._until.remaining()
        first = min(left, self._limits.first_token_s)
        sent, headers = self._room._parted(self._room._streamed(self._body))
        self._late = time.monotonic() + first
        with self._reading.until(self._late):
            opened = client.post(
                self._room.path,
                cast_to=object,
                body=sent,
                options={"timeout": httpx2.Timeout(left, connect=first, pool=first), "headers": headers},
                stream=True,
                stream_cls=self._room._sdk().Stream[object],
            )
        response: httpx2.Response = opened.response
        return response

    def _read(self, response: httpx2.Response) -> Generator[Event]:
        if "html" in response.headers.get("content-type", ""):
            raise self._failed("sent a page for people", response)
        chunks, finished = self._chunks(response), False
        try:
            for frame in self._room._frames(chunks):
                event = self._event(frame, response)
                if self._reader.ended:
                    break
                if event is not None:
                    finished = finished or any(isinstance(delta, Finished) for delta in event.deltas)
                    yield from self._handed(event)
        except frames.Unreadable as error:
            raise self._failed("sent an answer that cannot be read", response) from error
        if not (self._reader.ended and finished):
            raise self._failed("broke off its answer", response)
        self._late = time.monotonic() + _DRAIN_S
        with suppress(Exception):  # it has served; only its connection is lost
            for _ in chunks:
                pass

    def _chunks(self, response: httpx2.Response) -> Generator[bytes]:
        chunks = response.iter_bytes()
        while True:
            with self._reading.until(min(self._late, self._until.at)):
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    def _event(self, frame: Frame, response: httpx2.Response) -> Event | None:
        """What the frame says; None for what cannot be read, which is left out."""
        try:
            if frame.data is None:
                raise ValueError("a damaged frame")
            data, deltas = self._reader.read(frame.data)
        except ToldError as told:
            raise self._room._broken_off(told.data, response) from None
        except Exception:  # noqa: BLE001 - whatever it stumbles over, the next event may be sound
            self.skipped += 1
            return None
        return Event(frame.raw, data, deltas)

    def _handed(self, event: Event) -> Generator[Event]:
        """To whoever listens. Only content puts off the time-out, and the listener's own time does not count."""
        began = time.monotonic()
        yield event
        now = time.monotonic()
        self._late = now + self._limits.stall_s if event.has_content else self._late + now - began

    def _failed(self, what: str, response: httpx2.Response) -> ProviderFailed:
        name = self._room.name
        return ProviderFailed(
            f"{name} {what}.",
            provider=name,
            status=response.status_code,
            provider_request_id=request_id(response.headers),
        )
