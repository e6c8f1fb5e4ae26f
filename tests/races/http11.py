"""As much HTTP/1.1 as boto3 and the emulator speak with each other: bodies of a known length, connections kept."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

LARGEST = 8 * 1024 * 1024
_OF_THIS_HOP = {"content-length", "connection", "transfer-encoding", "expect"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. Names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def with_body(self, body: dict[str, Any]) -> Asked:
        return replace(self, body=json.dumps(body).encode())

    @property
    def bytes(self) -> bytes:
        return _message(f"{self.method} {self.path} HTTP/1.1", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def json(cls, status: int, body: Any, kind: str = "application/json") -> Answer:
        return cls(status, {"content-type": kind}, json.dumps(body).encode())

    @property
    def bytes(self) -> bytes:
        return _message(f"HTTP/1.1 {self.status} Told", self.headers, self.body)


class Upstream:
    """The server behind us, over connections that are used again."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self._idle: list[tuple[StreamReader, StreamWriter]] = []

    async def ask(self, asked: Asked) -> Answer:
        """Its answer. Raises OSError when it cannot be reached or does not finish."""
        while self._idle and self._idle[-1][0].at_eof():
            self._idle.pop()[1].close()
        connection = self._idle.pop() if self._idle else await asyncio.open_connection(self.host, self.port)
        reader, writer = connection
        try:
            writer.write(asked.bytes)
            first, headers, body = await _read(reader)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            writer.close()
            raise ConnectionError("upstream did not finish its answer") from error
        except BaseException:
            writer.close()
            raise
        if headers.get("connection", "").lower() == "close":
            writer.close()
        else:
            self._idle.append(connection)
        return Answer(int(first.split()[1]), headers, body)

    async def dynamodb(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """One call of our own."""
        credentials = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request"
        headers = {"host": self.host, "x-amz-target": f"DynamoDB_20120810.{operation}", "authorization": credentials}
        headers["content-type"] = "application/x-amz-json-1.0"
        answer = await self.ask(Asked("POST", "/", headers, json.dumps(body).encode()))
        told: dict[str, Any] = json.loads(answer.body)
        if answer.status != 200:
            raise ConnectionError(f"{operation}: {told}")
        return told


async def serve(answer: Callable[[Asked], Awaitable[Answer | None]], port: int = 0) -> asyncio.Server:
    """Answer requests on a loopback port. `answer` returns None, or raises OSError, to break the connection."""

    async def connected(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while True:
                first, headers, body = await _read(reader)
                method, path, _ = first.split(" ")
                told = await answer(Asked(method, path, headers, body))
                if told is None:
                    return _break(writer)
                writer.write(told.bytes)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            _break(writer)

    return await asyncio.start_server(connected, "127.0.0.1", port, limit=LARGEST, backlog=2048)


def _break(writer: StreamWriter) -> None:
    """With RST, as a connection ends whose other side is gone."""
    if not writer.is_closing():  # by the client
        with_reset = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, with_reset)
    writer.transport.abort()


async def _read(reader: StreamReader) -> tuple[str, dict[str, str], bytes]:
    """First line, headers and body of a message. Raises IncompleteReadError at the end of the connection."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return first, headers, await _chunks(reader)
    return first, headers, await reader.readexactly(int(headers.get("content-length", "0")))


async def _chunks(reader: StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return b"".join(parts)


def _message(first: str, headers: dict[str, str], body: bytes) -> bytes:
    kept = {name: value for name, value in headers.items() if name not in _OF_THIS_HOP}
    lines = [first, *(f"{name}: {value}" for name, value in kept.items()), f"content-length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
