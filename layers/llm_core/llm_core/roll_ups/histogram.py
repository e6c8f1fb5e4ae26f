"""Latencies as counts in fixed logarithmic classes, which can be added up; percentiles are read from them within 10 %.

A class is named by its upper bound in milliseconds. Four of them double it, up to a quarter of an hour.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from math import sqrt

BOUNDS_MS = tuple(sorted({round(2 ** (step / 4)) for step in range(81)}))


def bound(latency_ms: int) -> int:
    """The class that a latency belongs to. The last one takes whatever is longer."""
    return BOUNDS_MS[min(bisect_left(BOUNDS_MS, latency_ms), len(BOUNDS_MS) - 1)]


def percentile(counts: Mapping[int, int], percent: int) -> int | None:
    """The latency that `percent` of 100 do not exceed, in milliseconds; None when nothing was measured."""
    rank = -(-sum(counts.values()) * percent // 100)
    for upper in sorted(counts):
        rank -= counts[upper]
        if rank <= 0 < counts[upper]:
            return round(sqrt((_below(upper) + 1) * upper))
    return None


def _below(upper: int) -> int:
    place = bisect_left(BOUNDS_MS, upper)
    return BOUNDS_MS[place - 1] if place else 0
