"""HTTP/1.1 over asyncio's streams, as little as the stand-ins and the load need: it must cost next to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

Answering = Callable[["Message", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Message:
    """A request, or an answer's head: its first line, its headers in lower case, and the body unless it is chunked."""

    first: str
    headers: dict[str, str]
    body: bytes = b""


async def read(reader: asyncio.StreamReader) -> Message:
    """The next message. Raises IncompleteReadError when there is none."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    length = int(headers.get("content-length", 0))
    return Message(head[0], headers, await reader.readexactly(length) if length else b"")


async def chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The chunks of a chunked body, as they come. Raises IncompleteReadError for one that breaks off."""
    while size := int(await reader.readline(), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    while await reader.readline() != b"\r\n":  # trailers
        pass


def whole(status: str, body: bytes, content_type: str = "application/json", **headers: str) -> bytes:
    """An answer with its body."""
    told = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{told}\r\n"
    return head.encode() + body


def chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


async def serve(answer: Answering, *, whole_requests: bool = True) -> asyncio.Server:
    """A server on the loopback interface that keeps its connections, one request after the other on each.

    Not `whole_requests`: who answers reads the chunks of a request's body as they come.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await read(reader)
                if whole_requests and request.headers.get("transfer-encoding") == "chunked":
                    request = replace(request, body=b"".join([piece async for piece in chunks(reader)]))
                await answer(request, reader, writer)
                await writer.drain()
        writer.close()

    return await asyncio.start_server(connected, "127.0.0.1", 0, limit=2**22)


def port(server: asyncio.Server) -> int:
    """Where it listens."""
    return int(server.sockets[0].getsockname()[1])
