"""WebSocket $disconnect: nothing more is done for this connection."""

from __future__ import annotations

from live import connections, opening
from live.opening import Arrived
from llm_core.settings import settings

settings()  # a wrong environment stops the door at its start


def _disconnect(arrived: Arrived) -> None:
    connections.close(arrived.connection)


handler = opening.route(_disconnect)
