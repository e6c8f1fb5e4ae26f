"""What one usage row adds, and to which cells. A cell is the sum of one period, of one key, model and outcome.

Cells stand in two scopes, each by hour and by day: `user:<id>` by key, `all` by user. A cell's sort key reads
`day#2026-11-21#<key or user>#<provider>/<model>#<outcome>#<operation>`, so that a stretch of time is one query. Beside
it a cell has nothing but counters: what is not there need not be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from llm_core.roll_ups import histogram

ALL = "all"

BUCKETS = ("input", "cache_write_5m", "cache_write_1h", "cache_read", "output", "reasoning")
"""Token counts of a row that are summed; `reasoning` is a part of `output`."""

LATENCY = "ms"
"""A latency class is a counter of this name and its bound: `ms1024`."""

_LABELS = ("keyId", "provider", "model", "outcome", "operation")


@dataclass(frozen=True, slots=True)
class Cell:
    """The key of one item of the roll-ups."""

    scope: str
    sort: str

    @classmethod
    def of(cls, scope: str, period: str, time: str, who: str, labels: Mapping[str, str]) -> Cell:
        words = (who, f"{labels['provider']}/{labels['model']}", labels["outcome"], labels["operation"])
        return cls(scope, "#".join((period, time, *(quote(word, safe="/:@") for word in words))))

    @staticmethod
    def labels(sort: str) -> dict[str, str]:
        """What the cell is a sum of: `key` and `user` are the same word, and the scope says which it is."""
        _, time, *words = sort.split("#")
        who, name, outcome, operation = map(unquote, words)
        provider, _, model = name.partition("/")
        return {
            "day": time[:10],
            "hour": f"{time}:00:00Z",
            "key": who,
            "user": who,
            "provider": provider,
            "model": model,
            "outcome": outcome,
            "operation": operation,
        }


@dataclass(frozen=True, slots=True)
class Contribution:
    """`hour` is `2026-11-21T14`, UTC. `amounts` are named as the counters of a cell."""

    user_id: str
    hour: str
    labels: Mapping[str, str]
    amounts: Mapping[str, int]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Contribution:
        moment = datetime.fromtimestamp(int(row["timestamp"]) // 1000, UTC)
        labels = {name: str(row[name]) for name in _LABELS}
        return cls(str(row["userId"]), moment.strftime("%Y-%m-%dT%H"), labels, _amounts(row))

    @classmethod
    def stored(cls, user_id: str, item: Mapping[str, Any]) -> Contribution:
        """The other way round than `item`."""
        return cls(user_id, item["hour"], {name: item[name] for name in _LABELS}, item["amounts"])

    @property
    def item(self) -> dict[str, Any]:
        """What a marker remembers."""
        return {"hour": self.hour, **self.labels, "amounts": dict(self.amounts)}

    def cells(self) -> Iterator[Cell]:
        """The four it belongs to."""
        for scope, who in ((f"user:{self.user_id}", self.labels["keyId"]), (ALL, self.user_id)):
            yield Cell.of(scope, "hour", self.hour, who, self.labels)
            yield Cell.of(scope, "day", self.hour[:10], who, self.labels)


def _amounts(row: Mapping[str, Any]) -> dict[str, int]:
    """Zeros are left out. A call is counted where its first attempt is. What the sweeper wrote, and an answer given
    again, tell no provider's latency.
    """
    tokens = row["tokens"]
    byok = bool(row.get("byok"))
    amounts = {
        "attempts": 1,
        "calls": int(row["attempt"] == 1),
        **{bucket: int(tokens.get(bucket, 0)) for bucket in BUCKETS},
        "cost": int(row["cost"]),
        "charged": int(row["charged"]),
        "estimated": int(bool(row.get("estimated"))),
        "cached": int(bool(row.get("cached"))),
        "byok": int(byok),
        "byokTokens": sum(int(tokens.get(bucket, 0)) for bucket in BUCKETS[:-1]) if byok else 0,
    }
    if not row.get("swept") and not row.get("cached"):
        amounts[f"{LATENCY}{histogram.bound(int(row['latencyMs']))}"] = 1
    return {name: amount for name, amount in amounts.items() if amount}
