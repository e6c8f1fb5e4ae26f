"""Tickets: what opens a connection once and soon, instead of a key in a URL that proxies and logs would keep."""

from __future__ import annotations

import hashlib
import secrets
import time

from live.connections import live_table
from llm_core.aws import table
from llm_core.errors import Unauthorized

SECONDS = 60

_REFUSED = "This ticket opens nothing. It is good for one connection within a minute: POST /v1/live/ticket for another."


def make(key_id: str) -> str:
    """A ticket of this key's, of 256 random bits; only its hash is kept. Raises StoreUnavailable."""
    ticket = secrets.token_urlsafe(32)
    until = int(time.time()) + SECONDS
    item = {**_key(ticket), "keyId": key_id, "until": until, "ttl": until + SECONDS}
    table.put_new(live_table(), item, key="name")
    return ticket


def redeem(ticket: str | None) -> str:
    """The id of the key that asked for the ticket, to one caller only. Raises Unauthorized, StoreUnavailable."""
    found = table.take(live_table(), _key(ticket)) if ticket else None
    if found is None or found["until"] < time.time():
        raise Unauthorized(_REFUSED)
    key_id: str = found["keyId"]
    return key_id


def _key(ticket: str) -> dict[str, str]:
    return {"name": f"ticket#{hashlib.sha256(ticket.encode()).hexdigest()}", "item": "ticket"}
