"""The HTTP transport below the official SDKs: a whole answer is bounded in time, not only each read of it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2


def http_client() -> httpx2.Client:
    """What both SDKs are given to send with."""
    return httpx2.Client(transport=BoundedTransport(), follow_redirects=True)


class BoundedTransport(httpx2.BaseTransport):
    """httpx2's own transport; an answer that drips past the attempt's time-out (seconds, the SDK's `timeout`) is cut.

    The SDKs' time-out is one for each read, so a provider that sends a byte now and then would never end.
    """

    def __init__(self) -> None:
        limits = httpx2.Limits(max_connections=1_000, max_keepalive_connections=100)  # as the SDKs have it
        self._transport = httpx2.HTTPTransport(limits=limits)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        seconds = request.extensions.get("timeout", {}).get("read")
        until = time.monotonic() + seconds if seconds else None
        response = self._transport.handle_request(request)
        if until is not None and isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = _Bounded(response.stream, until)
        return response

    def close(self) -> None:
        self._transport.close()


class _Bounded(httpx2.SyncByteStream):
    """The same bytes. Raises httpx2.ReadTimeout once the monotonic clock has passed `until`."""

    def __init__(self, stream: httpx2.SyncByteStream, until: float) -> None:
        self._stream = stream
        self._until = until

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            if time.monotonic() > self._until:
                raise httpx2.ReadTimeout("the answer was not complete in time")
            yield chunk

    def close(self) -> None:
        self._stream.close()
