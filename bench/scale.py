"""`make bench-scale`: what happens at ten, a thousand and a hundred thousand calls a second, simulated: docs/scale.md.

An item's size is weighed by DynamoDB's rule from what the code writes; arrivals and durations are drawn; limits are
AWS's published ones, prices those of docs/cost.md. Nothing here was seen at that scale.
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil, log
from pathlib import Path
from typing import Any

from bench.cost import per_million
from bench.graph import bars
from llm_core.accounts.steps import Entry

FOLDER = Path(__file__).resolve().parents[1] / "docs"
RATES = (10, 1_000, 100_000)
ITEM_UNITS = 1_000
"""Write units a second that one item takes (DynamoDB: partitions)."""
TABLE_UNITS = 40_000
"""Write units a second of a table on demand, until somebody asks for more (DynamoDB: default quotas)."""
ENVIRONMENTS, MORE_IN_10_S = 1_000, 1_000
"""Of an account in a region, and what one function may gain in ten seconds (Lambda: quotas, scaling behaviour)."""
API_RATE = 10_000
"""Requests a second of an account in a region (API Gateway: quotas)."""

MEAN_S, SIGMA = 2.0, 0.6
"""Of a call's length: the mean, and the spread of its logarithm. Assumed: models' own times."""
SIMULATED_S, WARM_S, GRANTED_S = 40, 10, 600
WRITES_OF_A_CALL = 6
"""Units of hold, row and settle (docs/cost.md)."""
HELD, COST = 1_765_620, 198_900
"""nano-USD that the call of docs/benchmarks/gateway.md holds and costs."""
TOKENS = 1_000
"""Of a call, in and out. Assumed."""


def size(value: Any) -> int:
    """Bytes as DynamoDB weighs them: text by its length, two digits a byte, a map three and one for each entry."""
    if isinstance(value, Mapping):
        return 3 + sum(1 + len(name) + size(each) for name, each in value.items())
    if isinstance(value, int):
        return (len(str(abs(value))) + 1) // 2 + 1
    return len(value)


CALL_ID = "gen-" + "0" * 27
OPEN_HOLD = 1 + len(CALL_ID) + size(Entry(HELD, 1_795_826_000, "user-12345678").stored)
WINDOW = {
    "userId": "team:research-and-development#2026-11#0",
    "account": "team:research-and-development",
    "window": "2026-11",
    "open": "open",
    **dict.fromkeys(("limit", "remaining", "held", "spent", "overrun", "heldCap"), 10**13),
    **dict.fromkeys(("shard", "lineVersion", "ttl"), 1_795_826_000),
    **{name: {} for name in ("holds", "ended", "requests", "tokens")},
    "chain": {},
}
EMPTY_WINDOW = sum(len(name) + size(value) for name, value in WINDOW.items())


@dataclass(frozen=True, slots=True)
class Hot:
    """One item for so many seconds: write units of its busiest second, the share of seconds beyond what it takes, the
    most calls that were open at once, the item's largest size in bytes."""

    busiest: int
    beyond: float
    most_open: int
    largest: int


def hot(rate: float, seed: int = 1) -> Hot:
    """One window item under `rate` holds a second, each settled when its call is over."""
    draw, now, open_until = random.Random(seed), 0.0, list[float]()  # noqa: S311 - a simulation
    units: dict[int, int] = defaultdict(int)
    most = 0
    middle = log(MEAN_S) - SIGMA**2 / 2
    while now < SIMULATED_S:
        now += draw.expovariate(rate)
        while open_until and open_until[0] <= now:
            ended = heapq.heappop(open_until)
            units[int(ended)] += _units(len(open_until) + 1)
        heapq.heappush(open_until, now + draw.lognormvariate(middle, SIGMA))
        units[int(now)] += _units(len(open_until))
        most = max(most, len(open_until))
    seen = [units[second] for second in range(WARM_S, SIMULATED_S)]
    beyond = sum(each > ITEM_UNITS for each in seen) / len(seen)
    return Hot(max(seen), beyond, most, EMPTY_WINDOW + most * OPEN_HOLD)


def _units(open_calls: int) -> int:
    """Of a write that leaves so many holds in the item."""
    return ceil((EMPTY_WINDOW + open_calls * OPEN_HOLD) / 1024)


def shards_for(rate: float) -> int:
    """The fewest items over which such an account must be spread, so that none has a second beyond what it takes."""
    low, high = 1, max(2, ceil(rate / 10))
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if hot(rate / middle).beyond == 0 else (middle + 1, high)
    return low


@dataclass(frozen=True, slots=True)
class Grants:
    """Children that hold by themselves and ask their parent for money for so many calls at once: the parent's writes a
    second, and what lies with the children, in USD."""

    calls: int
    writes: float
    stranded: float


def grants(rate: float, calls: int, seed: int = 1) -> Grants:
    """As many children as the parent's rate needs by themselves (`shards_for`), each with Poisson arrivals.

    A child asks when it cannot hold the next call's ceiling; what a call did not cost comes back to it when it ends.
    """
    draw, children = random.Random(seed), max(1, ceil(rate / 50))  # noqa: S311 - a simulation
    seen = min(children, 4)  # they are alike: some are simulated, all are counted
    middle, asked, left_over = log(MEAN_S) - SIGMA**2 / 2, 0, 0
    for _ in range(seen):
        now, purse, open_until = 0.0, 0, list[float]()
        while now < GRANTED_S:
            now += draw.expovariate(rate / children)
            while open_until and open_until[0] <= now:
                heapq.heappop(open_until)
                purse += HELD - COST
            if purse < HELD:
                purse += calls * HELD
                asked += now >= WARM_S
            purse -= HELD
            heapq.heappush(open_until, now + draw.lognormvariate(middle, SIGMA))
        left_over += purse + len(open_until) * (HELD - COST)
    every = children / seen
    return Grants(calls, asked * every / (GRANTED_S - WARM_S), left_over * every / 10**9)


def page() -> str:
    single = {rate: hot(rate) for rate in (5, 10, 20, 30, 40, 50, 75, 100, 200)}
    alone = max(rate for rate, seen in single.items() if seen.beyond == 0)
    shards = {rate: shards_for(rate) for rate in RATES}
    return f"""\
# At ten, a thousand and a hundred thousand calls a second

Written by `make bench-scale` on {datetime.now(UTC):%Y-%m-%d}. Simulated: sizes are weighed from what the code writes by
DynamoDB's rule, arrivals are Poisson's, a call takes {MEAN_S:g} s in the mean (log-normal, spread {SIGMA:g});
{SIMULATED_S - WARM_S} s are looked at after {WARM_S}, of grants {GRANTED_S - WARM_S}.
Limits and prices are published ones; nothing here was seen at that scale.

## One account, one item

All calls of one account write one item: a hold puts an entry of {OPEN_HOLD} bytes into it, a settle takes it out, and a
write is billed by the whole item ({EMPTY_WINDOW} bytes when nothing is open). One item takes {ITEM_UNITS:,} units a
second.

| calls/s | open at once, most | largest item, KB | write units, busiest second | seconds beyond |
|---:|---:|---:|---:|---:|
{_rows(single)}

So an unsplit account carries **{alone} calls a second** of this length. Beyond that DynamoDB throttles, the writers
wait and repeat (`aws/writes.py`), and callers see 503 with Retry-After; no limit is overspent by it. A key has a
rule of its own: it may have 100 calls open at once, {100 / MEAN_S:.0f} a second.

## What each rate needs

| calls/s | {_each(lambda rate: rate)} |
|---|{"---:|" * len(RATES)}
{_needs(shards)}

- **10**: the template as it stands, but for its throttle, which is 50 a second with bursts of 200 (`template.yaml`).
- **1,000**: raise that throttle and Lambda's quota; a shared account is split (`make budget SHARDS={shards[1_000]}`).
  A split account whose last dollars are asked for reads all its items: a refusal costs {shards[1_000]} reads.
  Whether providers allow {RATES[1] * 60 * TOKENS // 10**6} million tokens a minute is a matter of contract.
- **100,000**: {shards[100_000]:,} items of one account are no design. Several stacks, each in an account or
  region of its own, and a budget that reaches them as grants.

## Grants in chunks, on paper

A child (a region, a team, a shard) holds on an item of its own, from money that its parent gave it for so many calls at
once; so no child can overspend, and neither can all together, because a grant is itself a hold on the parent. This
call holds {HELD / 1e9:.5f} USD and costs {COST / 1e9:.5f}. A child for each 50 calls a second:

| calls/s | calls a grant pays for | writes a second at the parent | USD that lie with children |
|---:|---:|---:|---:|
{_grants()}

Larger grants spare the parent and strand more: what lies with one child is refused to another until it is given
back, so near its limit an account refuses by up to the last column too early, never too late. None of this is built.

![Write units of one item](benchmarks/scale.svg)
"""


def _needs(shards: Mapping[int, int]) -> str:
    usd = float(sum(per_million(str(MEAN_S)).values())) / 1e6
    minutes = MEAN_S / MORE_IN_10_S / 6
    lines = (
        (f"environments at once (an account has {ENVIRONMENTS:,} by default)", _each(lambda rate: rate * MEAN_S)),
        (f"minutes until they are there ({MORE_IN_10_S:,} more in 10 s)", _each(lambda rate: rate * minutes, ".1f")),
        (f"times API Gateway's {API_RATE:,} requests a second", _each(lambda rate: rate / API_RATE, ".3g")),
        (
            f"write units a second, {WRITES_OF_A_CALL} a call (a table has {TABLE_UNITS:,} by default)",
            _each(lambda rate: rate * WRITES_OF_A_CALL),
        ),
        ("items for one account that all of it shares", _each(lambda rate: shards[int(rate)])),
        (
            f"million tokens a minute at the providers, {TOKENS:,} a call",
            _each(lambda rate: rate * 60 * TOKENS / 1e6, ",.1f"),
        ),
        ("USD a day for AWS, at list price (docs/cost.md)", _each(lambda rate: rate * 86_400 * usd)),
    )
    return "\n".join(f"| {what} | {each} |" for what, each in lines)


def _rows(single: Mapping[int, Hot]) -> str:
    return "\n".join(
        f"| {rate} | {seen.most_open} | {seen.largest / 1024:.1f} | {seen.busiest:,} | {seen.beyond:.0%} |"
        for rate, seen in single.items()
    )


def _each(of: Callable[[float], float], shape: str = ",.0f") -> str:
    return " | ".join(format(of(rate), shape) for rate in RATES)


def _grants() -> str:
    lines = []
    for rate in RATES:
        for calls in (10, 100, 1_000):
            seen = grants(rate, calls)
            lines.append(f"| {rate:,} | {seen.calls:,} | {seen.writes:,.1f} | {seen.stranded:,.2f} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dry", action="store_true", help="write no page")
    asked = parser.parse_args()
    text = page()
    sys.stdout.write(text)
    if not asked.dry:
        (FOLDER / "scale.md").write_text(text)
        busiest = {f"{rate} calls/s": float(hot(rate).busiest) for rate in (10, 20, 50, 100, 200)}
        graph = bars("Write units of one account's item in its busiest second; it takes 1,000", "", busiest)
        (FOLDER / "benchmarks/scale.svg").write_text(graph)
    return 0


if __name__ == "__main__":
    sys.exit(main())
