"""API Gateway's way back to connections, as a server that may fail: `POST /live/@connections/{id}`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote


@dataclass
class PostOffice:
    """`answers`: what a connection's posts are answered with, one after the other, then 200; `tried` has the frames of
    all, `arrived` those that were answered with 200, as JSON."""

    url: str = ""
    answers: dict[str, list[int]] = field(default_factory=dict)
    tried: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    arrived: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def take(self, connection: str, frame: bytes) -> int:
        self.tried[connection].append(frame)
        left = self.answers.get(connection, [])
        status = left.pop(0) if left else 200
        if status == 200:
            self.arrived[connection].append(json.loads(frame))
        return status


@contextmanager
def opened() -> Iterator[PostOffice]:
    office = PostOffice()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            frame = self.rfile.read(int(self.headers["content-length"]))
            status = office.take(unquote(self.path.rpartition("/")[2]), frame)
            self.send_response(status)
            if status == 410:
                self.send_header("x-amzn-errortype", "GoneException")
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Nobody wants to read it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    office.url = f"http://127.0.0.1:{server.server_port}/live"
    try:
        yield office
    finally:
        server.shutdown()
        server.server_close()
