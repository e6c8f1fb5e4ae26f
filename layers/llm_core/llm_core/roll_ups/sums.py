"""Reading the roll-ups: the cells of a stretch of time, added up by what one asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from llm_core.aws import table
from llm_core.money import usd
from llm_core.roll_ups import histogram
from llm_core.roll_ups.contribution import BUCKETS, LATENCY, Cell
from llm_core.settings import settings

Period = Literal["day", "hour"]

_NO_COUNTERS = {"scope", "cell", "ttl"}


@dataclass(frozen=True, slots=True)
class Read:
    """A cell: what it is a sum of, and its counters."""

    labels: Mapping[str, str]
    counters: Mapping[str, int]


@dataclass(slots=True)
class Sums:
    """The counters of many cells, added up; money in nano-USD."""

    counters: Counter[str] = field(default_factory=Counter)

    def __getitem__(self, name: str) -> int:
        return self.counters[name]

    @property
    def tokens(self) -> int:
        """All that went in and came out; reasoning is a part of what came out."""
        return sum(self[bucket] for bucket in BUCKETS if bucket != "reasoning")

    def latency(self, percent: int) -> int | None:
        """The latency of an attempt that so many of 100 do not exceed, in milliseconds."""
        classes = {name.removeprefix(LATENCY): n for name, n in self.counters.items() if name.startswith(LATENCY)}
        return histogram.percentile({int(upper): n for upper, n in classes.items()}, percent)

    def shown(self) -> dict[str, Any]:
        """As JSON: money in USD. `byok.share` is that of all tokens."""
        tokens = self.tokens
        return {
            "calls": self["calls"],
            "attempts": self["attempts"],
            "tokens": {**{bucket: self[bucket] for bucket in BUCKETS}, "total": tokens},
            "cost": float(usd(self["cost"])),
            "charged": float(usd(self["charged"])),
            "estimated": self["estimated"],
            "cached": self["cached"],
            "byok": {
                "attempts": self["byok"],
                "tokens": self["byokTokens"],
                "share": round(self["byokTokens"] / tokens, 4) if tokens else None,
            },
            "latency": {"p50_ms": self.latency(50), "p95_ms": self.latency(95)},
        }


def cells(scope: str, period: Period, first: date, last: date, *, who: Collection[str] | None = None) -> Iterator[Read]:
    """The cells of these days, both included, in the order of time; `who`: only of these keys, or users in scope `all`.

    Raises StoreUnavailable while they are read.
    """
    stretch = ("cell", f"{period}#{first.isoformat()}", f"{period}#{last.isoformat()}~")  # ~ comes after # and T
    name = settings().need("roll_ups_table_name")
    for item in table.query(name, {"scope": scope}, between=stretch, consistent=False):
        labels = Cell.labels(item["cell"])
        if item.get("attempts") and (who is None or labels["key"] in who):
            yield Read(labels, {name: amount for name, amount in item.items() if name not in _NO_COUNTERS})


def grouped(found: Iterable[Read], by: Sequence[str]) -> dict[tuple[str, ...], Sums]:
    """The cells added up by these labels, in the order of time and name."""
    groups: dict[tuple[str, ...], Sums] = {}
    for cell in found:
        group = tuple(cell.labels[name] for name in by)
        groups.setdefault(group, Sums()).counters.update(cell.counters)
    return dict(sorted(groups.items()))


def total(groups: Iterable[Sums]) -> Sums:
    """The sum of sums."""
    whole = Sums()
    for group in groups:
        whole.counters.update(group.counters)
    return whole
