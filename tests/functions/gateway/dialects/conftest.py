"""A server that sends, as a stream, whatever a test gives it: the SDKs read it over a real connection."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Wire:
    """`url`/NAME sends what NAME stands for."""

    url: str
    streams: dict[str, list[bytes]] = field(default_factory=dict)

    def sends(self, pieces: Iterable[bytes], name: str = "one") -> str:
        """The address of this stream."""
        self.streams[name] = [*pieces]
        return f"{self.url}/{name}"


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    class Sender(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            for piece in made.streams[self.path.split("/")[1]]:
                self.wfile.write(piece)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Sender) as server:
        made = Wire(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()
