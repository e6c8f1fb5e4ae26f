"""WebSocket $connect: a ticket opens the live socket once."""

from __future__ import annotations

from live import connections, opening, tickets
from live.opening import Arrived
from llm_core import callers
from llm_core.settings import settings

settings()  # a wrong environment stops the door at its start


def _connect(arrived: Arrived) -> None:
    asked = arrived.event.get("queryStringParameters") or {}
    key_id = tickets.redeem(asked.get("ticket"))
    callers.vouched(key_id)
    connections.open(arrived.connection, key_id)


handler = opening.route(_connect)
