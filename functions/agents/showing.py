"""A run and its events as callers see them; money in USD."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from llm_core.money import usd
from llm_core.runs.events import Event
from llm_core.runs.run import Run


def run(shown: Run, events: Sequence[Event] | None = None) -> dict[str, Any]:
    """`{runId, status, reason?, output?, cost, usage, ...}`, with `steps` where there are events to tell."""
    told: dict[str, Any] = {
        "runId": shown.id,
        "type": shown.kind,
        "status": shown.status,
        "cost": _usd(shown.cost),
        "usage": {
            "inputTokens": shown.input_tokens,
            "outputTokens": shown.output_tokens,
            "totalTokens": shown.input_tokens + shown.output_tokens,
            "estimatedCost": _usd(shown.cost),
        },
        "budget": None if shown.budget is None else _usd(shown.budget),
        "tools": list(shown.terms.tools),
        "createdAt": datetime.fromtimestamp(shown.created, UTC).isoformat().replace("+00:00", "Z"),
    }
    if shown.reason:
        told["reason"] = shown.reason
    if shown.output and shown.status in ("succeeded", "failed", "awaiting_approval"):
        told["output"] = dict(shown.output)
    if shown.pending and not shown.pending.decided:
        told["approval"] = {"what": shown.pending.what, "hash": shown.pending.digest}
    if shown.parent:
        told["parentRunId"] = shown.parent
    if shown.children:
        told["taskRunIds"] = list(shown.children)
    if events is not None:
        told["steps"] = [{"seq": each.seq, "type": each.type, "ts": each.at, **each.shown} for each in events]
    return told


def event(run_id: str, shown: Event) -> dict[str, Any]:
    """`{type, seq, runId, ts, data}`: as it is streamed."""
    return {"type": shown.type, "seq": shown.seq, "runId": run_id, "ts": shown.at, "data": shown.shown}


def _usd(amount: int) -> float:
    return float(usd(amount))
