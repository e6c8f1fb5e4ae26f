"""Serves the app on a loopback port with connections that faults can reset: `Server` to run, `running()` for tests."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from local.understudy.app import create_app
from local.understudy.show import Pace

BACKLOG = 2048
START_TIMEOUT_S = 30


class Connection(H11Protocol):
    """Gives each request its transport (scope["state"]["transport"])."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class Server(uvicorn.Server):
    """`on_ready` is called with the base URL once requests are answered."""

    def __init__(
        self, app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0, on_ready: Callable[[str], None] | None = None
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                lifespan="off",
                loop="asyncio",
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=2,
            )
        )
        self.on_ready = on_ready
        self.socket = socket.create_server((host, port), backlog=BACKLOG)
        # asyncio sets it only on sockets made with IPPROTO_TCP; without it each answer waits 40 ms for an ACK.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.url = f"http://{host}:{self.socket.getsockname()[1]}"

    def go(self) -> None:
        """Serve until SIGTERM, SIGINT or `should_exit`."""
        self.run(sockets=[self.socket])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.on_ready:
            self.on_ready(self.url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Silent and endless answers would wait for their clients: whoever stops the understudy wants it gone.
        for connection in list(self.server_state.connections):
            cycle: Any = getattr(connection, "cycle", None)
            if cycle is not None and not cycle.response_complete:
                cycle.transport.abort()
        await super().shutdown(sockets=sockets)


@contextmanager
def running(pace: Pace | None = None) -> Iterator[str]:
    """An understudy in a thread of its own; yields its base URL."""
    ready = threading.Event()
    server = Server(create_app(pace), on_ready=lambda _: ready.set())
    thread = threading.Thread(target=server.go, name="understudy", daemon=True)
    thread.start()
    try:
        if not ready.wait(START_TIMEOUT_S):
            raise TimeoutError("the understudy did not start")
        yield server.url
    finally:
        server.should_exit = True
        thread.join(START_TIMEOUT_S)
