"""Discord or Slack as a webhook meets them: a real server on the loopback interface that keeps what it was sent.

with serving() as webhook:
    webhook.order(500, OK, about="claude-x")     # the next posts that speak of claude-x, in order; OK afterwards
    ...
    webhook.taken("claude-x")                    # the messages that it took about it
"""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

OK = 204
Order = int | tuple[int, dict[str, str]] | Literal["hang", "reset"]
"""A status, a status with headers, or no answer at all."""


@dataclass
class Post:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float
    order: Order

    @property
    def text(self) -> str:
        return json.dumps(self.body, ensure_ascii=False)


@dataclass
class Webhook:
    """`url` is what an operator would keep as a secret."""

    url: str
    posts: list[Post] = field(default_factory=list)
    _orders: list[tuple[str, Order]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    def order(self, *answers: Order, about: str = "", times: int = 1) -> None:
        """How the next posts that contain `about` are answered, one each."""
        with self._lock:
            self._orders += [(about, answer) for answer in answers * times]

    def asked(self, about: str = "") -> list[Post]:
        """Every post that contains `about`, whatever was answered."""
        with self._lock:
            return [post for post in self.posts if about in post.text]

    def taken(self, about: str = "") -> list[Post]:
        return [post for post in self.asked(about) if isinstance(post.order, int) and post.order < 300]

    def wait(self, about: str, *, many: int = 1, seconds: float = 15) -> list[Post]:
        """The messages taken about it, as soon as there are so many, or those there are when the time is over."""
        until = time.monotonic() + seconds
        while len(self.taken(about)) < many and time.monotonic() < until:
            time.sleep(0.02)
        return self.taken(about)

    def receive(self, path: str, headers: dict[str, str], raw: bytes) -> Order:
        post = Post(path, headers, json.loads(raw), time.monotonic(), OK)
        with self._lock:
            found = next((each for each in self._orders if each[0] in post.text), None)
            if found:
                self._orders.remove(found)
                post.order = found[1]
            self.posts.append(post)
        return post.order


@contextmanager
def serving(path: str = "/webhook") -> Iterator[Webhook]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.webhook = Webhook(f"http://127.0.0.1:{server.server_port}{path}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.webhook  # type: ignore[attr-defined]
    finally:
        server.webhook.over.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        webhook: Webhook = self.server.webhook  # type: ignore[attr-defined]
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        match webhook.receive(self.path, dict(self.headers), raw):
            case "hang":
                webhook.over.wait(60)
            case "reset":
                # Closed with nothing lingering: the other side reads a reset, not an end.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                os.close(self.connection.detach())
                self.close_connection = True
            case int(status):
                self._say(status, {})
            case (status, headers):
                self._say(status, headers)

    def _say(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass
