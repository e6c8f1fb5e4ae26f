"""The HTTP transport below the official SDKs: one time-out for a whole exchange, not one for each read of it.

An answer that is streamed has time limits of its own, which move as it goes on; and another thread may end it.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock, local
from typing import Any

import httpcore2
import httpx2

_exchange = local()
"""`until`, on the monotonic clock: when the exchange that this thread is in must be over. `reading`: the reads of a
streamed answer, which say it themselves."""


def http_client() -> httpx2.Client:
    """What both SDKs are given to send with. A redirect is a failure: followed, it would take prompt and key along."""
    return httpx2.Client(transport=BoundedTransport())


class Reading:
    """The reads of one streamed answer, its head included, whichever thread does them."""

    def __init__(self) -> None:
        self.cancelled = False
        self._until = 0.0
        self._socket: socket.socket | None = None
        self._lock = Lock()

    @contextmanager
    def until(self, moment: float) -> Iterator[None]:
        """Reads of this thread belong to this answer, and last no longer than to this moment."""
        self._until = moment
        before = getattr(_exchange, "reading", None)
        _exchange.reading = self
        try:
            yield
        finally:
            _exchange.reading = before

    def cancel(self) -> None:
        """From any thread: a read that waits ends now, and there are no more. Closing would not wake it."""
        with self._lock:
            self.cancelled = True
            if self._socket is not None:
                with suppress(OSError):  # it may be gone already
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # below TLS, which may be in use

    def left(self) -> float:
        return self._until - time.monotonic()

    @contextmanager
    def of(self, connection: socket.socket | None) -> Iterator[None]:
        """While it lasts a cancellation ends what this connection waits for. Raises httpcore2.ReadError."""
        with self._lock:
            if self.cancelled:
                raise httpcore2.ReadError("cancelled")
            self._socket = connection
        try:
            yield
        finally:
            with self._lock:
                self._socket = None  # from now on it may carry somebody else's answer


class BoundedTransport(httpx2.HTTPTransport):
    """httpx2's own transport; an answer that drips past the attempt's time-out (seconds, the SDK's `timeout`) is cut.

    The SDKs' time-out is one for each read, so a provider that sends a byte now and then would never end. Head and body
    of an answer are read by the thread that asked.
    """

    def __init__(self) -> None:
        limits = httpx2.Limits(max_connections=1_000, max_keepalive_connections=100)  # as the SDKs have it
        super().__init__(limits=limits)
        pool: Any = self._pool  # httpx2 has no argument for it
        pool._network_backend = _BoundedBackend(pool._network_backend)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        seconds = request.extensions.get("timeout", {}).get("read")
        _exchange.until = time.monotonic() + seconds if seconds else None
        return super().handle_request(request)


class _BoundedBackend(httpcore2.NetworkBackend):
    def __init__(self, backend: httpcore2.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        return _BoundedStream(self._backend.connect_tcp(host, port, timeout, local_address, socket_options))


class _BoundedStream(httpcore2.NetworkStream):
    """The same connection; a read lasts no longer than its exchange. Raises httpcore2.ReadTimeout."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        reading: Reading | None = getattr(_exchange, "reading", None)
        if reading is None:
            return self._read(max_bytes, timeout, _left())
        with reading.of(self._stream.get_extra_info("socket")):
            return self._read(max_bytes, timeout, reading.left())

    def _read(self, max_bytes: int, timeout: float | None, left: float | None) -> bytes:
        if left is not None:
            if left <= 0:
                raise httpcore2.ReadTimeout("the answer was not complete in time")
            timeout = left if timeout is None else min(timeout, left)
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left() -> float | None:
    """Seconds left for this thread's exchange; None where it has no time-out."""
    until = getattr(_exchange, "until", None)
    return None if until is None else until - time.monotonic()
