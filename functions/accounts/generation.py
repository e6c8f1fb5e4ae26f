"""One call as GET /v1/generations/{id} tells it: the whole of it, and each attempt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from llm_core import ledger
from llm_core.accounts.endings import NO_ATTEMPT
from llm_core.accounts.marks import Running
from llm_core.generations import Generation
from llm_core.money import usd

Row = Mapping[str, Any]


def shown(found: Generation) -> dict[str, Any]:
    """The attempts of one call, first attempt first; money in USD. The last one says who answered, or how it ended.

    `status` is `running`, `cancelling` or `ended`; a call that runs tells what it holds and who was asked first.
    """
    status = {"status": "ended"} if found.running is None else _running(found.running)
    return {**(_ended(found.rows) if found.rows else {}), **status}


def _running(call: Running) -> dict[str, Any]:
    operation, _, model = call.kind.partition(" ")
    provider, _, name = model.partition("/")
    return {
        "id": call.call_id,
        "status": "cancelling" if call.stopping else "running",
        "created": _moment(ledger.parsed(call.call_id)[1]),
        "key_id": call.account.removeprefix("key:"),
        "operation": operation,
        "provider": provider,
        "model": name,
        "held": _money(call.held),
    }


def _ended(rows: Sequence[Row]) -> dict[str, Any]:
    rows = [row for row in rows if row["outcome"] not in NO_ATTEMPT] or rows
    first, last = rows[0], rows[-1]
    tokens: Counter[str] = Counter()
    for row in rows:
        tokens.update(row["tokens"])
    return {
        "id": first["id"],
        "created": _moment(int(first["timestamp"]) / 1000),
        "key_id": first["keyId"],
        "operation": first["operation"],
        "requested_model": first["requestedModel"],
        "provider": last["provider"],
        "model": last["model"],
        "outcome": last["outcome"],
        "fallback": bool(last["fallback"]),
        "estimated": any(row["estimated"] for row in rows),
        "byok": any(row.get("byok") for row in rows),
        "cached": any(row.get("cached") for row in rows),
        "tokens": dict(tokens),
        "cost": _money(sum(row["cost"] for row in rows)),
        "charged": _money(sum(row["charged"] for row in rows)),
        "latency_ms": sum(row["latencyMs"] for row in rows),
        "metadata": dict(first.get("metadata") or {}),
        "attempts": [_attempt(row) for row in rows],
    }


def _attempt(row: Row) -> dict[str, Any]:
    return {
        "attempt": row["attempt"],
        "provider": row["provider"],
        "model": row["model"],
        "outcome": row["outcome"],
        "fallback": bool(row["fallback"]),
        "estimated": bool(row["estimated"]),
        "tokens": dict(row["tokens"]),
        "fees": dict(row.get("fees") or {}),
        "cost": _money(row["cost"]),
        "charged": _money(row["charged"]),
        "price_version": row["priceVersion"],
        "latency_ms": row["latencyMs"],
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def _money(amount: int) -> float:
    return float(usd(amount))
