"""Clients of the live socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.functions.accounts.holder import Holder

PATIENCE_S = 30.0


@dataclass(frozen=True)
class Live:
    """One open connection, and what came over it."""

    socket: ClientConnection

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def hear(self, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """The next frame. Raises TimeoutError."""
        text = self.socket.recv(timeout=within_s)
        assert len(text) <= 32_000
        told: dict[str, Any] = json.loads(text)
        return told

    def until(self, *types: str) -> list[dict[str, Any]]:
        """The frames up to the first of these types."""
        heard = [self.hear()]
        while heard[-1]["type"] not in types:
            heard.append(self.hear())
        return heard

    def ask(self, **message: Any) -> dict[str, Any]:
        """The frame that answers one message."""
        self.say(**message)
        return self.hear()

    @property
    def closed(self) -> bool:
        try:
            self.socket.recv(timeout=0)
        except ConnectionClosed:
            return True
        except TimeoutError:
            return False
        return False


def ticket(holder: Holder) -> str:
    url: str = holder.told("POST", "/v1/live/ticket")["url"]
    return url


@contextmanager
def connected(holder: Holder) -> Iterator[Live]:
    with connect(ticket(holder), open_timeout=10) as socket:
        yield Live(socket)
