"""The usage rows: one per attempt at a provider, written once, never over one another.

A call's id carries the millisecond it began and 64 random bits; its row's key follows from the id, so whoever knows
the id and the user finds the row with one read, and two rows of one millisecond stay two.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from llm_core.aws import table
from llm_core.aws.telemetry import logger
from llm_core.aws.writes import ConditionFailed, Write, together, update
from llm_core.deadline import Deadline
from llm_core.errors import LedgerUnavailable, NotFound, StoreUnavailable
from llm_core.messages import Usage
from llm_core.settings import settings

_ID = re.compile(r"(?:gen-|resp_)([0-9a-f]{11})([0-9a-f]{16})")
"""OpenAI's responses begin theirs in a way of their own."""
_DAY = 86_400
_SECONDS_TO_CORRECT = 3.0
_LAST_ATTEMPT = 99


def new_id() -> str:
    """An opaque id for one call: `gen-` and 27 hexadecimal digits."""
    return f"gen-{time.time_ns() // 1_000_000:011x}{secrets.token_hex(8)}"


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt. `cost` is what the provider bills, `charged` what the caller pays: nano-USD.

    `estimated`: nobody saw how it ended, so both are the most it can have cost. `swept`: written by the sweeper for a
    caller that never came back. `fallback`: not the first candidate. `byok`: paid with the caller's own key at the
    provider, so nothing is charged. `cached`: an earlier answer, given again. `metadata`: the caller's own tags.
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
    swept: bool = False
    byok: bool = False
    cached: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)


UNDONE = "undone"
"""The outcome of an attempt that the sweeper booked and that was never made."""


class Written(Exception):
    """This attempt has a row already: by the sweeper (`swept`), or by the caller that the sweeper took for dead."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        super().__init__(row["id"])
        self.swept: bool = row["swept"]
        self.version: int = row["version"]


def record(row: Row) -> None:
    """Write the row; it is in the table when this returns.

    Raises Written, or LedgerUnavailable, the row then stands in the log.
    """
    name = settings().need("usage_table_name")
    item = _item(row)
    try:
        table.put_new(name, item, key="userId")
    except table.AlreadyThere as there:
        raise Written(there.item) from there
    except StoreUnavailable as error:
        raise lost(row) from error


def correct(row: Row, version: int, looks: Sequence[Write] = ()) -> None:
    """Put the truth in the place of what the sweeper wrote, which had this version, where these looks agree.

    Raises LedgerUnavailable.
    """
    item = _item(row) | {"version": version + 1}
    key = {name: item[name] for name in ("userId", "timestamp")}
    condition, values = "#swept = :yes AND #version = :before", {":yes": True, ":before": version}
    write = Write(settings().need("usage_table_name"), key, item=item, condition=condition, values=values)
    try:
        together([write, *looks], Deadline.after(_SECONDS_TO_CORRECT))
    except ConditionFailed as failure:
        found = next((found for found in failure.items if found and "attempt" in found), {})
        if found.get("swept"):
            correct(row, found["version"], looks)  # undone meanwhile
        elif found != item:  # else our own write, whose answer was lost
            raise lost(row) from failure
    except StoreUnavailable as error:
        raise lost(row) from error


def undo_estimates(user_id: str, call_id: str) -> None:
    """What the sweeper booked for this call shall cost nothing: its caller is back, and made no attempt but those that
    it wrote itself. Raises LedgerUnavailable, StoreUnavailable."""
    with suppress(NotFound):
        for row in attempts(user_id, call_id):
            if row["swept"] and row["outcome"] != UNDONE:
                undo(row)


def undo(item: Mapping[str, Any]) -> None:
    """The sweeper booked an attempt that was not made: its row stays and costs nothing, until one is made after all.

    Raises LedgerUnavailable.
    """
    key = {name: item[name] for name in ("userId", "timestamp")}
    change = "SET #cost = :nothing, #charged = :nothing, #outcome = :undone, #version = :two, #estimated = :no"
    values = {":nothing": 0, ":no": False, ":undone": UNDONE, ":one": 1, ":two": 2, ":yes": True}
    condition = "#swept = :yes AND #version = :one"
    write = Write(settings().need("usage_table_name"), key, change, condition, values)
    try:
        update(write, Deadline.after(_SECONDS_TO_CORRECT))
    except ConditionFailed:
        return  # undone already: our own write, whose answer was lost
    except StoreUnavailable as error:
        raise LedgerUnavailable("An estimate of an attempt that was never made could not be undone.") from error


def lost(row: Row) -> LedgerUnavailable:
    """The error to raise for a row that could not be written; the log has it whole from here on."""
    logger.exception("usage row not written", extra={"event": "usage_row_lost", "row": _item(row)})
    return LedgerUnavailable("The answer could not be accounted for, so it is withheld.")


def find(user_id: str, call_id: str, *, attempt: int = 1) -> dict[str, Any]:
    """The row of one of this user's calls. Raises NotFound, also for somebody else's."""
    key = {"userId": user_id, "timestamp": _timestamp(call_id, attempt)}
    item = table.get(settings().need("usage_table_name"), key)
    if item is None:
        raise unknown(call_id)
    return item


def attempts(user_id: str, call_id: str) -> list[dict[str, Any]]:
    """All rows of one of this user's calls, its first attempt first. Raises NotFound, also for somebody else's."""
    span = ("timestamp", _timestamp(call_id, 0), _timestamp(call_id, _LAST_ATTEMPT))
    rows = list(table.query(settings().need("usage_table_name"), {"userId": user_id}, between=span))
    if not rows:
        raise unknown(call_id)
    return rows


def unknown(call_id: str) -> NotFound:
    """The same words for a call that is not there and for somebody else's."""
    return NotFound(f"No call {call_id[:60]!r} is known for this key.")


def parsed(shown: str) -> tuple[str, float]:
    """The call's own id behind the one that a dialect has shown, and when it was made, in epoch seconds.

    Raises NotFound for what is no id.
    """
    made, drawn = _parts(shown)
    return f"gen-{made}{drawn}", int(made, 16) / 1000


def _parts(call_id: str) -> tuple[str, str]:
    parts = _ID.fullmatch(call_id)
    if parts is None:
        raise NotFound(f"{call_id[:60]!r} is not an id of a call.")
    return parts[1], parts[2]


def _timestamp(call_id: str, attempt: int) -> Decimal:
    """The row's sort key: the milliseconds of the call, then its random bits and the attempt as the fraction.

    13 + 20 + 2 digits: DynamoDB keeps 38.
    """
    made, drawn = _parts(call_id)
    return Decimal(f"{int(made, 16)}.{int(drawn, 16):020d}{attempt:02d}")


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
        "swept": row.swept,
        "byok": row.byok,
        "cached": row.cached,
        "metadata": dict(row.metadata),
        "version": 1,
        "ttl": int(timestamp) // 1000 + settings().usage_retention_days * _DAY,
    }
