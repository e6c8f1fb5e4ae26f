"""The usage rows: one per attempt at a provider, written once, never over one another.

A call's id carries the millisecond it began and 64 random bits; its row's key follows from the id, so whoever knows
the id and the user finds the row with one read, and two rows of one millisecond stay two.
"""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from llm_core.aws import table
from llm_core.aws.telemetry import logger
from llm_core.errors import LedgerUnavailable, NotFound, StoreUnavailable
from llm_core.messages import Usage
from llm_core.settings import settings

_ID = re.compile(r"gen-([0-9a-f]{11})([0-9a-f]{16})")
_DAY = 86_400
_LAST_ATTEMPT = 99


def new_id() -> str:
    """An opaque id for one call: `gen-` and 27 hexadecimal digits."""
    return f"gen-{time.time_ns() // 1_000_000:011x}{secrets.token_hex(8)}"


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt. `cost` is what the provider bills, `charged` what the caller pays: nano-USD.

    `estimated`: nobody saw how it ended, so both are the most it can have cost. `fallback`: not the first candidate.
    """

    id: str
    user_id: str
    key_id: str
    operation: str
    requested_model: str
    provider: str
    model: str
    attempt: int
    fallback: bool
    outcome: str
    usage: Usage
    cost: int
    charged: int
    estimated: bool
    price_version: str
    latency_ms: int


def record(row: Row) -> None:
    """Write the row; it is in the table when this returns. Raises LedgerUnavailable, the row then stands in the log."""
    name = settings().need("usage_table_name")
    item = _item(row)
    try:
        table.put_new(name, item, key="userId")
    except (StoreUnavailable, table.AlreadyThere) as error:
        logger.exception("usage row not written", extra={"event": "usage_row_lost", "row": item})
        raise LedgerUnavailable("The answer could not be accounted for, so it is withheld.") from error


def find(user_id: str, call_id: str, *, attempt: int = 1) -> dict[str, Any]:
    """The row of one of this user's calls. Raises NotFound, also for somebody else's."""
    key = {"userId": user_id, "timestamp": _timestamp(call_id, attempt)}
    item = table.get(settings().need("usage_table_name"), key)
    if item is None:
        raise NotFound(f"No call {call_id[:60]!r} is known for this key.")
    return item


def attempts(user_id: str, call_id: str) -> list[dict[str, Any]]:
    """All rows of one of this user's calls, its first attempt first. Raises NotFound, also for somebody else's."""
    span = ("timestamp", _timestamp(call_id, 0), _timestamp(call_id, _LAST_ATTEMPT))
    rows = list(table.query(settings().need("usage_table_name"), {"userId": user_id}, between=span))
    if not rows:
        raise NotFound(f"No call {call_id[:60]!r} is known for this key.")
    return rows


def _timestamp(call_id: str, attempt: int) -> Decimal:
    """The row's sort key: the milliseconds of the call, then its random bits and the attempt as the fraction.

    13 + 20 + 2 digits: DynamoDB keeps 38.
    """
    parts = _ID.fullmatch(call_id)
    if parts is None:
        raise NotFound(f"{call_id[:60]!r} is not an id of a call.")
    return Decimal(f"{int(parts[1], 16)}.{int(parts[2], 16):020d}{attempt:02d}")


def _item(row: Row) -> dict[str, Any]:
    """The row as stored: names in the table's camelCase, tokens as one map, `ttl` in epoch seconds."""
    timestamp = _timestamp(row.id, row.attempt)
    return {
        "userId": row.user_id,
        "timestamp": timestamp,
        "id": row.id,
        "keyId": row.key_id,
        "operation": row.operation,
        "requestedModel": row.requested_model,
        "provider": row.provider,
        "model": row.model,
        "outcome": row.outcome,
        "tokens": {name: tokens for name, tokens in asdict(row.usage).items() if name != "fees"},
        "fees": dict(row.usage.fees),
        "cost": row.cost,
        "charged": row.charged,
        "estimated": row.estimated,
        "fallback": row.fallback,
        "priceVersion": row.price_version,
        "latencyMs": row.latency_ms,
        "attempt": row.attempt,
        "ttl": int(timestamp) // 1000 + settings().usage_retention_days * _DAY,
    }
