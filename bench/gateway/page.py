"""docs/benchmarks/gateway.md and its graphs: the figures of one run."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.gateway.measure import Results
from bench.graph import bars

ALONE, DREY = "the provider alone", "Drey"
AT_ONCE = (1, 16, 64)
EVENTS = 400
SHORT, LONG = f"{20} events", f"{20 + EVENTS} events"


@dataclass(frozen=True, slots=True)
class Started:
    """Medians of a lane's starts, and the memory of its processes after all requests."""

    seconds: float
    cpu_s: float
    rss_mib: float


@dataclass(frozen=True, slots=True)
class Run:
    """`table_calls`: of one request of Drey's; `missing`: {lane: why it was not there}; `load`: what else this machine
    did, as the kernel's load average before and after; `writes`: milliseconds of a write by each way."""

    results: Results
    starts: Mapping[str, Started]
    missing: Mapping[str, str]
    rounds: int
    counts: Mapping[str, int]
    table_ms: float
    table_calls: float
    load: tuple[float, float]
    versions: Mapping[str, str]
    writes: Mapping[str, float]

    @property
    def lanes(self) -> Sequence[str]:
        return list(self.results.blocks[name("JSON", 1)])


def name(kind: str, at_once: int) -> str:
    """Of a case."""
    return f"{kind}, {at_once} at once"


def machine() -> str:
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def page(run: Run) -> str:
    others = [lane for lane in run.lanes if lane not in (ALONE, DREY)]
    ratios = "; ".join(f"{run.results.ratio(name('JSON', 1), DREY, lane):.2f} of {lane}'s" for lane in others)
    return f"""\
# What the gateway adds

Written by `make bench` on {datetime.now(UTC):%Y-%m-%d} ({machine()};
load {run.load[0]:.1f} before and {run.load[1]:.1f} after).

The same request of OpenAI's Chat Completions, sent to the provider itself and through each gateway, in turns within one
session: {run.rounds} rounds, in each a block of requests to every lane. The provider is a stand-in of its own process
that answers at once with fixed words, so what is above its own time is the gateway's. `added` is a lane's quantile less
the provider's own; CPU is the time of all processes of a lane, divided by its requests (median of the rounds).

- **Drey** is the gateway's door under its own Lambda loop: one process, one request at a time, handed over by a
  stand-in of Lambda's Runtime API. It checks the key, holds the ceiling of the call on the key's monthly budget, writes
  the usage row, settles, logs, writes metrics and X-Ray segments. Its DynamoDB is a stand-in that answers
  {"at once" if not run.table_ms else f"after {run.table_ms:g} ms"} with what the local AWS answered once:
  {run.table_calls:.1f} calls for each request. On AWS each of them takes DynamoDB's own time, and requests that come
  together have an environment each instead of waiting for one.
{_peers(run)}
On two cores that the load, the stand-ins and the lanes share. CPU and ratios are told by a busy machine too;
milliseconds only by a quiet one.

## Whole answers and streams

| | | p50 | added p50 | p95 | p99 | first content, p50 | CPU, ms | requests/s |
|---|---|---:|---:|---:|---:|---:|---:|---:|
{_cases(run)}
Milliseconds; all but the first column of figures are added to the provider's own. A stream has 32 pieces, all at once.

CPU of a whole answer through Drey, in the same rounds: {ratios or "nobody to compare with"}.

![Added milliseconds, p50](gateway-added.svg)
![CPU of a request](gateway-cpu.svg)

## One more event of a stream
{EVENTS} more events, 2 ms apart, each a piece of its own on the wire; microseconds of CPU for each.

| | µs |
|---|---:|
{_events(run)}

## One conditional write
CPU of an UpdateItem as a hold makes it, the smallest of some turns in one process: {_writes(run)}.

## Starts and memory
From the start of its process to its first answer, nothing else in turn with it; what is resident after all requests.

| | seconds | CPU, s | MiB |
|---|---:|---:|---:|
{_starts(run)}

## Again
`make bench` installs the two others on first use and writes this page; `make bench ROUNDS=5 REQUESTS=100` is longer.
"""


def graphs(run: Run) -> dict[str, str]:
    """{file name: SVG}"""
    case, shown = name("JSON", 1), [lane for lane in run.lanes if lane != ALONE]
    added = {lane: run.results.added(case, lane, 0.5) for lane in shown}
    cpu = {lane: run.results.cpu_ms(case, lane) for lane in shown}
    return {
        "gateway-added.svg": bars("Added to a whole answer, p50, one at a time", "ms", added),
        "gateway-cpu.svg": bars("CPU of a whole answer, one at a time", "ms", cpu),
    }


def _peers(run: Run) -> str:
    told = {
        "LiteLLM": "its proxy, one worker, without a database: a master key, no budgets, no ledger",
        "Portkey": "its gateway on Node: no keys of its own, no accounting",
    }
    return "".join(
        f"- **{lane}** {run.versions.get(lane, '')}: {words}.\n"
        if lane not in run.missing
        else f"- **{lane}** was not there: {run.missing[lane]}.\n"
        for lane, words in told.items()
    )


def _cases(run: Run) -> str:
    results, lines = run.results, []
    for at_once in AT_ONCE:
        for kind in ("JSON", "SSE"):
            case = name(kind, at_once)
            for lane in run.lanes:
                added = [f"{results.added(case, lane, share):.1f}" for share in (0.5, 0.95, 0.99)]
                first = f"{results.added(case, lane, 0.5, first=True):.1f}" if kind == "SSE" else ""
                cpu = f"{results.cpu_ms(case, lane):.2f}"
                if lane == ALONE:
                    added, first, cpu = ["", "", ""], "", ""
                told = [case, lane, f"{results.milliseconds(case, lane, 0.5):.1f}", *added, first, cpu]
                lines.append(f"| {' | '.join(told)} | {results.rate(case, lane):.0f} |\n")
    return "".join(lines)


def _events(run: Run) -> str:
    cost = {lane: run.results.cpu_us_per_event(SHORT, LONG, EVENTS, lane) for lane in run.lanes if lane != ALONE}
    return "\n".join(f"| {lane} | {microseconds:.0f} |" for lane, microseconds in cost.items())


def _writes(run: Run) -> str:
    return ", ".join(f"{milliseconds:.2f} ms by {way}" for way, milliseconds in run.writes.items())


def _starts(run: Run) -> str:
    return "\n".join(
        f"| {lane} | {start.seconds:.1f} | {start.cpu_s:.1f} | {start.rss_mib:.0f} |"
        for lane, start in run.starts.items()
    )
