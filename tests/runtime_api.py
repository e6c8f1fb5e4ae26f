"""A Lambda Runtime API to test a runtime loop against: a real HTTP server that takes nothing on trust.

It hands out the invocations that a test orders, one at a time, and tells the test what comes back, in its order.
"""

import base64
import json
import queue
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from typing import Any

ROOT = "/2018-06-01/runtime"
STREAMED = "application/vnd.awslambda.http-integration-response"
PATIENCE_S = 20
LIMIT = 6 * 1024 * 1024

TYPE, BODY = "Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"


@dataclass
class Heard:
    """One thing that the loop did: prelude, piece, end, failed (in the trailers), error, whole, init_error, lost."""

    what: str
    said: Any = None
    type: str | None = None


@dataclass
class Invocation:
    """An invocation ordered by a test. `refuse` answers its outcome with this status; `reset_after` so many pieces
    the connection breaks."""

    event: Any
    id: str
    trace: str | None = None
    seconds: float = 30
    reset_after: int | None = None
    refuse: int | None = None
    heard: queue.Queue[Heard] = field(default_factory=queue.Queue)

    def next(self) -> Heard:
        """What the loop did next, waited for."""
        return self.heard.get(timeout=PATIENCE_S)

    def all(self) -> list[Heard]:
        """Everything to the end."""
        found = [self.next()]
        while found[-1].what in ("prelude", "piece"):
            found.append(self.next())
        return found


class RuntimeApi(ThreadingHTTPServer):
    """`wrongs` lists every breach of the protocol; a test that ends with one has failed."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.orders: queue.Queue[Invocation | None] = queue.Queue()
        self.started: queue.Queue[Heard] = queue.Queue()
        self.wrongs: list[str] = []
        self.open: Invocation | None = None
        self._numbers = iter(range(1, 10_000))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def invoke(self, event: Any, **ordered: Any) -> Invocation:
        invocation = Invocation(event, f"8476a536-e9f4-11e8-9739-{next(self._numbers):012d}", **ordered)
        self.orders.put(invocation)
        return invocation


@contextmanager
def running() -> Iterator[RuntimeApi]:
    with RuntimeApi() as api:
        threading.Thread(target=api.serve_forever, args=(0.05,), daemon=True).start()
        yield api
        api.orders.put(None)
        api.shutdown()
    assert api.wrongs == []


class _Exchange(BaseHTTPRequestHandler):
    """One request of the loop."""

    server: RuntimeApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what matters is heard."""

    def do_GET(self) -> None:
        if self.path != f"{ROOT}/invocation/next":
            self._wrong(f"GET {self.path}")
        if self.server.open:
            self._wrong(f"asked for the next invocation while {self.server.open.id} was open")
        invocation = self.server.orders.get()
        self.close_connection = True
        if invocation is None:
            return
        self.server.open = invocation
        body = json.dumps(invocation.event, ensure_ascii=False).encode()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", invocation.id)
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + invocation.seconds) * 1000)))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:doors")
        if invocation.trace:
            self.send_header("Lambda-Runtime-Trace-Id", invocation.trace)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.close_connection = True
        if self.path == f"{ROOT}/init/error":
            self.server.started.put(self._error("init_error"))
            self._answer(202)
            return
        named = re.fullmatch(rf"{ROOT}/invocation/([0-9a-f-]{{36}})/(response|error)", self.path)
        invocation = self.server.open
        if named is None or invocation is None or named[1] != invocation.id:
            self._wrong(f"POST {self.path} while {invocation and invocation.id} is open")
            self._answer(403)
            return
        if named[2] == "error":
            heard = self._error("error")
        elif self.headers["Lambda-Runtime-Function-Response-Mode"] == "streaming":
            heard = self._stream(invocation)
        else:
            heard = self._whole()
        # In this order: after the answer the loop may ask for the next at once.
        self.server.open = None
        if heard.what != "lost":
            self._answer(invocation.refuse or (413 if heard.what == "too_large" else 202))
        invocation.heard.put(heard)

    def _whole(self) -> Heard:
        body = self._body()
        return Heard("too_large") if len(body) > LIMIT else Heard("whole", json.loads(body))

    def _error(self, what: str) -> Heard:
        error = json.loads(self._body())
        if set(error) != {"errorType", "errorMessage", "stackTrace"}:
            self._wrong(f"an error of another shape: {error}")
        return Heard(what, error, self.headers[TYPE])

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def _stream(self, invocation: Invocation) -> Heard:
        """Chunk by chunk, each told as soon as it is here."""
        told = {name.lower(): value for name, value in self.headers.items()}
        announced = {name.strip() for name in told.get("trailer", "").split(",")}
        if told.get("transfer-encoding") != "chunked" or "content-length" in told:
            self._wrong(f"a streamed answer must be chunked: {told}")
        if told.get("content-type") != STREAMED or announced != {TYPE, BODY}:
            self._wrong(f"not a streamed HTTP answer: {told}")
        chunks, prelude = self._chunks(), b""
        while b"\0" * 8 not in prelude:
            prelude += next(chunks, b'"no prelude"' + b"\0" * 8)
        told_first, _, body = prelude.partition(b"\0" * 8)
        invocation.heard.put(Heard("prelude", json.loads(told_first)))
        for pieces, piece in enumerate(chain([body] if body else [], chunks), start=1):
            invocation.heard.put(Heard("piece", piece))
            if invocation.reset_after == pieces:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return Heard("lost")
        return self._ended(announced)

    def _chunks(self) -> Iterator[bytes]:
        while True:
            line = self.rfile.readline()
            if not re.fullmatch(rb"[0-9a-f]+\r\n", line):
                self._wrong(f"not a chunk's size: {line!r}")
                return
            size = int(line, 16)
            if size == 0:
                return
            chunk = self.rfile.read(size)
            if len(chunk) != size or self.rfile.read(2) != b"\r\n":
                self._wrong(f"a chunk of {size} bytes that ends otherwise")
                return
            yield chunk

    def _ended(self, announced: set[str]) -> Heard:
        trailers: dict[str, str] = {}
        while (line := self.rfile.readline()) != b"\r\n":
            named = re.fullmatch(rb"([A-Za-z-]+): ([!-~]+)\r\n", line)
            if not named or named[1].decode() not in announced:
                self._wrong(f"not a trailer that was announced: {line!r}")
                break
            trailers[named[1].decode()] = named[2].decode()
        if not trailers:
            return Heard("end")
        return Heard("failed", json.loads(base64.b64decode(trailers[BODY], validate=True)), trailers[TYPE])

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _wrong(self, what: str) -> None:
        self.server.wrongs.append(what)
