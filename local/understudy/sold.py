"""The account of what was sold, independent of any caller's books: tokens per model, and the last calls."""

import dataclasses
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from local.understudy.performance import Usage
from local.understudy.prompt import Json

KEPT = 10_000
BUCKETS = tuple(bucket.name for bucket in dataclasses.fields(Usage))


@dataclass(slots=True, kw_only=True)
class Sale:
    """One call. `sold` is False for what nobody pays: refusals, resets, pages. `usage` is the whole answer's."""

    seq: int
    provider: str
    model: str
    key: str
    path: str
    id: str | None = None
    stream: bool = False
    status: int = 200
    fault: str | None = None
    sold: bool = True
    usage: Usage = field(default_factory=Usage)
    generated: int = 0
    ended: bool = False
    open: bool = True
    started_at: float = field(default_factory=time.time)
    ended_at: float | None = None

    def told(self) -> Json:
        names = ("seq", "provider", "model", "id", "status", "sold", "ended", "open", "stream", "path", "key", "fault")
        counts = dataclasses.asdict(self.counted())
        told: Json = {name: getattr(self, name) for name in names}
        return {**told, "usage": counts, "started_at": self.started_at, "ended_at": self.ended_at}

    def counted(self) -> Usage:
        """The usage so far."""
        return self.usage.so_far(self.generated) if self.sold else Usage()


class Sold:
    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._calls: deque[Sale] = deque(maxlen=KEPT)
        self._running: dict[int, Sale] = {}
        self._totals: dict[tuple[str, str], dict[str, int]] = {}

    def begin(self, sale: Sale) -> Sale:
        self._calls.append(sale)
        self._running[sale.seq] = sale
        return sale

    def finish(self, sale: Sale) -> None:
        """Close the call's account; a call from before the last `clear` is forgotten."""
        sale.open, sale.ended_at = False, time.time()
        if self._running.pop(sale.seq, None):
            _add(self._totals, sale)

    def told(self, last: int | None = None) -> Json:
        # Running calls count too: who asks right after the last byte of an answer finds it here.
        totals = {name: dict(counts) for name, counts in self._totals.items()}
        for sale in self._running.values():
            _add(totals, sale)
        told: dict[str, dict[str, Any]] = {}
        for (provider, model), counts in sorted(totals.items()):
            told.setdefault(provider, {})[model] = counts
        calls = list(self._calls)
        return {
            "totals": told,
            "calls": [sale.told() for sale in (calls if last is None else calls[-last:] if last else [])],
        }


def _add(totals: dict[tuple[str, str], dict[str, int]], sale: Sale) -> None:
    names = ("calls", "unfinished", "refused", *BUCKETS)
    counts = totals.setdefault((sale.provider, sale.model), dict.fromkeys(names, 0))
    counts["calls"] += sale.sold
    counts["unfinished"] += sale.sold and not sale.ended
    counts["refused"] += not sale.sold
    for bucket, count in dataclasses.asdict(sale.counted()).items():
        counts[bucket] += count
