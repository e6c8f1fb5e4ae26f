"""Usage rows as the table holds them, and what their sums must be, added up the simple way."""

from __future__ import annotations

import itertools
import random
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from llm_core.roll_ups import sums
from llm_core.roll_ups.contribution import BUCKETS

Row = dict[str, Any]

NAMES = {"key": "keyId", "user": "userId"}
HAIKU, SONNET = "claude-haiku-4-5", "claude-sonnet-4-6"
_days = itertools.count()
_run = random.randrange(20_000)


def fresh_day() -> date:
    """A day, far ahead, that no other test has rows on."""
    return date(2100, 1, 1) + timedelta(days=_run * 100 + next(_days))


def row(day: date, *, second: float = 0, **changed: Any) -> Row:
    """One attempt in that second of the day."""
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    moment = int((midnight + second) * 1000)
    made: Row = {
        "userId": "ada",
        "timestamp": Decimal(f"{moment}.{secrets.randbits(64):020d}01"),
        "id": f"gen-{moment:011x}{secrets.randbits(64):016x}",
        "keyId": "sk-proj-aaaaaaaaaaaa",
        "operation": "chat",
        "requestedModel": HAIKU,
        "provider": "anthropic",
        "model": HAIKU,
        "outcome": "ok",
        "tokens": {**dict.fromkeys(BUCKETS, 0), "input": 10, "output": 5},
        "fees": {},
        "cost": 35_000,
        "charged": 35_700,
        "estimated": False,
        "fallback": False,
        "priceVersion": "2026-11-20.abc",
        "latencyMs": 1_000,
        "attempt": 1,
        "version": 1,
        "ttl": midnight + 400 * 86_400,
    }
    return made | changed


def by_hand(rows: Iterable[Row], by: tuple[str, ...]) -> dict[tuple[str, ...], Mapping[str, int]]:
    """What `sums.grouped` must find, without its latencies."""
    groups: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for each in rows:
        time = datetime.fromtimestamp(int(each["timestamp"]) // 1000, UTC)
        words = {"day": f"{time:%Y-%m-%d}", "hour": f"{time:%Y-%m-%dT%H}:00:00Z"}
        total = groups[tuple(words.get(name) or each[NAMES.get(name, name)] for name in by)]
        total["calls"] += each["attempt"] == 1
        total["attempts"] += 1
        for name in ("cost", "charged", "estimated"):
            total[name] += int(each[name])
        for name in ("cached", "byok"):
            total[name] += each.get(name, False)
        for bucket in BUCKETS:
            total[bucket] += each["tokens"][bucket]
            total["byokTokens"] += each["tokens"][bucket] * each.get("byok", False) * (bucket != "reasoning")
        total["measured"] += not each.get("swept") and not each.get("cached")
    return {group: +total for group, total in groups.items()}


def told(groups: Mapping[tuple[str, ...], sums.Sums]) -> Mapping[tuple[str, ...], Mapping[str, int]]:
    """The same of what was found: the counts of all latency classes in one."""
    shown = {}
    for group, found in groups.items():
        total: Counter[str] = Counter()
        for name, amount in found.counters.items():
            total["measured" if name.startswith("ms") else name] += amount
        shown[group] = +total
    return shown
