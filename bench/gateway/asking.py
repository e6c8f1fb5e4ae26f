"""How one lane is asked: over HTTP, or, where a lane is a Lambda, as the Lambda service hands it an event."""

from __future__ import annotations

import asyncio
import copy
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bench.gateway import http

WORD = b'" word'
"""By which the first content of a stream is known, however a lane spells the JSON around it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One answer: seconds until its end, and until its first content."""

    seconds: float
    first_s: float


class Failed(Exception):
    """An answer that is not what was asked for."""


class Lane(Protocol):
    """What stands between the caller and the provider."""

    async def ask(self, body: bytes) -> Taken: ...

    async def close(self) -> None: ...


@dataclass
class OverHttp:
    """A server, asked on connections that are kept. `headers` go with each request."""

    port: int
    headers: Mapping[str, str]
    path: str = "/v1/chat/completions"
    _free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def ask(self, body: bytes) -> Taken:
        """Once more on a new connection, where a kept one had been ended meanwhile: servers end what is idle."""
        while True:
            kept = bool(self._free)
            try:
                return await self._asked(body)
            except (asyncio.IncompleteReadError, ConnectionError):
                if not kept:
                    raise

    async def _asked(self, body: bytes) -> Taken:
        began = time.perf_counter()
        reader, writer = self._free.pop() if self._free else await asyncio.open_connection("127.0.0.1", self.port)
        told = {"Host": f"127.0.0.1:{self.port}", "Content-Type": "application/json", **self.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        writer.write(f"POST {self.path} HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await http.read(reader)
        first, pieces = await _pieces(answer, reader)
        ended = time.perf_counter()
        if answer.first.split()[1] != "200":
            raise Failed(f"{answer.first}: {b''.join(pieces)[:500]!r}")
        if answer.headers.get("connection", "").lower() == "close":
            writer.close()
        else:
            self._free.append((reader, writer))
        return _taken(began, first, ended, b"".join(pieces[-3:]))

    async def close(self) -> None:
        for _, writer in self._free:
            writer.close()
        self._free.clear()


@dataclass(slots=True)
class _Invocation:
    event: bytes
    done: asyncio.Future[tuple[float, float, bytes]]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class AsLambda:
    """The Runtime API of one execution environment, which serves one event at a time; others wait for their turn.

    `event` is a request as API Gateway hands it over; its body is replaced. `deadline_s`: the function's time-out.
    """

    event: dict[str, Any]
    deadline_s: float
    _waiting: asyncio.Queue[_Invocation] = field(default_factory=asyncio.Queue)
    _open: dict[str, _Invocation] = field(default_factory=dict)

    async def listen(self) -> int:
        """The port at which the environment finds its Runtime API."""
        self._server = await http.serve(self._serve, whole_requests=False)
        return http.port(self._server)

    async def ask(self, body: bytes) -> Taken:
        began = time.perf_counter()
        event = {**self.event, "body": body.decode()}
        invocation = _Invocation(json.dumps(event).encode(), asyncio.get_running_loop().create_future())
        self._waiting.put_nowait(invocation)
        first, ended, said = await invocation.done
        return _taken(began, first, ended, said)

    async def close(self) -> None:
        self._server.close()

    async def _serve(self, request: http.Message, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if request.first.startswith("GET"):
            invocation = await self._waiting.get()
            self._open[invocation.id] = invocation
            writer.write(
                http.whole(
                    "200 OK",
                    invocation.event,
                    Lambda_Runtime_Aws_Request_Id=invocation.id,
                    Lambda_Runtime_Deadline_Ms=str(int((time.time() + self.deadline_s) * 1000)),
                    Lambda_Runtime_Invoked_Function_Arn="arn:aws:lambda:us-east-1:123456789012:function:bench",
                    Lambda_Runtime_Trace_Id=f"Root=1-{int(time.time()):08x}-{invocation.id[-12:]:0>24};"
                    f"Parent={uuid.uuid4().hex[:16]};Sampled=1",
                )
            )
            return
        _, _, path = request.first.split()[1].partition("/invocation/")
        invocation_id, _, what = path.partition("/")
        if not invocation_id:
            raise Failed(f"The door does not start: {request.body!r}")
        first, pieces = await _pieces(request, reader)
        ended = time.perf_counter()
        invocation = self._open.pop(invocation_id)
        status = json.loads(pieces[1].partition(bytes(8))[0])["statusCode"] if what == "response" else what
        if status == 200:
            invocation.done.set_result((first, ended, b"".join(pieces[-3:])))
        else:
            invocation.done.set_exception(Failed(f"{status}: {b''.join(pieces)[:800]!r}"))
        writer.write(http.whole("202 Accepted", b""))


def event(sample: dict[str, Any], **headers: str) -> dict[str, Any]:
    """A sample event with other headers."""
    changed = copy.deepcopy(sample)
    for name, value in headers.items():
        changed["headers"][name] = value
        changed["multiValueHeaders"][name] = [value]
    return changed


def _taken(began: float, first: float, ended: float, said: bytes) -> Taken:
    whole = b'"finish_reason"' in said or b"[DONE]" in said
    if not whole:
        raise Failed(f"An answer without its end: {said[-300:]!r}")
    return Taken(ended - began, (first or ended) - began)


async def _pieces(message: http.Message, reader: asyncio.StreamReader) -> tuple[float, list[bytes]]:
    """When the first of the model's words was there (0.0: in no chunk), and the body with all chunks after it."""
    first, pieces = 0.0, [message.body]
    if message.headers.get("transfer-encoding") == "chunked":
        async for piece in http.chunks(reader):
            pieces.append(piece)
            first = first or (time.perf_counter() if WORD in piece else 0.0)
    return first, pieces
