"""What a run tells while it goes on. Everybody sees the same numbered list: REST, server-sent events, WebSocket."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from llm_core.aws import table
from llm_core.money import usd
from llm_core.runs.run import Run, expiry, runs_table

Type = Literal["think", "tool_call", "observation", "response", "approval", "error", "done"]

_PREFIX = "event#"
_LAST = 99_999_999


@dataclass(frozen=True, slots=True)
class Event:
    """`data` is plain JSON, money in nano-USD under `costNano`; `ts` epoch milliseconds; `seq` is given when it is
    written. The last event of every run is `done`."""

    type: Type
    data: Mapping[str, Any] = field(default_factory=dict)
    seq: int = 0
    ts: int = field(default_factory=lambda: time.time_ns() // 1_000_000)

    @property
    def at(self) -> str:
        """RFC 3339, UTC."""
        told = datetime.fromtimestamp(self.ts / 1000, UTC).isoformat(timespec="milliseconds")
        return told.replace("+00:00", "Z")

    @property
    def shown(self) -> dict[str, Any]:
        """The data as callers see it: `...Nano` in USD, under the name without that."""
        return {
            name.removesuffix("Nano"): float(usd(value)) if name.endswith("Nano") else value
            for name, value in self.data.items()
        }


def after(run_id: str, seq: int = 0) -> list[Event]:
    """The events with a greater number, in order, read consistently. Raises StoreUnavailable."""
    return list(_after(run_id, seq))


def _after(run_id: str, seq: int) -> Iterator[Event]:
    span = ("item", _name(seq + 1), _name(_LAST))
    for item in table.query(runs_table(), {"runId": run_id}, between=span):
        yield Event(item["type"], json.loads(item["data"]), item["seq"], item["ts"])


def stored(run: Run, event: Event, seq: int) -> table.Item:
    """As it is kept: the data as text, because a model writes what no attribute holds (fractions, deep nesting)."""
    return {
        "runId": run.id,
        "item": _name(seq),
        "seq": seq,
        "type": event.type,
        "ts": event.ts,
        "data": json.dumps(dict(event.data), ensure_ascii=False),
        "ttl": expiry(run.created),
    }


def _name(seq: int) -> str:
    return f"{_PREFIX}{min(seq, _LAST):08d}"
