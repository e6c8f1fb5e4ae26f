"""`make bench`: the gateway's door next to the provider alone, LiteLLM's proxy and Portkey's gateway, in one session.

python -m bench.gateway --rounds 3 --requests 40 --dry     prints the page only
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack

from bench.gateway import page, writing
from bench.gateway.asking import Failed
from bench.gateway.estate import Estate, standing
from bench.gateway.lanes import LITELLM, PORTKEY, Lanes, Running, Start, request
from bench.gateway.measure import Case, block, rounds, table_calls
from bench.gateway.page import AT_ONCE, DREY, EVENTS, LONG, SHORT, Run, Started
from local.project import Project

FOLDER = Project().root / "docs/benchmarks"
CALLS_SEEN = 50
"""Requests over which the tables' calls are counted."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=60, help="of each case, lane and round")
    parser.add_argument("--starts", type=int, default=3, help="of each lane")
    parser.add_argument("--table-ms", type=float, default=0.0, help="how long the tables' stand-in takes")
    parser.add_argument("--dry", action="store_true", help="write no page")
    asked = parser.parse_args()
    with standing(asked.table_ms) as estate:
        try:
            run = asyncio.run(_measured(estate, asked))
        except Failed:
            for log in estate.folder.glob("*.log"):
                sys.stderr.write(f"{log.name}: {log.read_text()[-2000:]}\n")
            raise
    text = page.page(run)
    sys.stdout.write(text)
    if not asked.dry:
        for name, words in {"gateway.md": text, **page.graphs(run)}.items():
            (FOLDER / name).write_text(words)
    return 0


async def _measured(estate: Estate, asked: argparse.Namespace) -> Run:
    before = os.getloadavg()[0]
    lanes = Lanes(estate.upstream, estate.doors, estate.key, estate.folder)
    starts, missing = lanes.present()
    for name, why in missing.items():
        sys.stderr.write(f"{name} is left out: {why}\n")
    async with AsyncExitStack() as stack:
        running, started = await _started(starts, asked.starts, stack)
        results = await rounds(running, cases(asked.requests), asked.rounds)
        calls = await _calls(running, estate.tables)
        memory = {lane.name: lane.process.rss_mib for lane in running if lane.process}
    return Run(
        results,
        {name: Started(*times, memory[name]) for name, times in started.items()},
        missing,
        asked.rounds,
        {case.name: case.count for case in cases(asked.requests)},
        asked.table_ms,
        calls,
        (before, os.getloadavg()[0]),
        _versions(missing),
        writing.measured(estate.doors),
    )


async def _started(
    starts: Mapping[str, Start], times: int, stack: AsyncExitStack
) -> tuple[list[Running], dict[str, tuple[float, float]]]:
    """Every lane, and the medians of its starts: seconds, and seconds of processor. Each is started in turn."""
    seen: dict[str, list[tuple[float, float]]] = {}
    for turn in range(times):
        running = []
        for name, start in starts.items():
            lane = await start()
            running.append(lane)
            if lane.process:
                seen.setdefault(name, []).append((lane.started_s, lane.started_cpu_s))
            if turn < times - 1:
                await lane.end()
    for lane in running:
        stack.push_async_callback(lane.end)
    medians = {
        name: (statistics.median(s for s, _ in each), statistics.median(c for _, c in each))
        for name, each in seen.items()
    }
    return running, medians


def cases(count: int) -> list[Case]:
    whole, streamed = request(stream=False), request(stream=True)
    found = []
    for at_once in AT_ONCE:
        number = count if at_once == 1 else max(count, 2 * at_once)
        found += [Case(page.name("JSON", at_once), whole, at_once, number)]
        found += [Case(page.name("SSE", at_once), streamed, at_once, number)]
    pace = [(SHORT, 20), (LONG, 20 + EVENTS)]
    return [*found, *(Case(name, request(stream=True, events=events, pace_ms=2), 1, 4) for name, events in pace)]


async def _calls(running: list[Running], port: int) -> float:
    """How often Drey asks its tables for one request."""
    drey = next(lane for lane in running if lane.name == DREY)
    before = await table_calls(port)
    await block(drey, Case("", request(stream=False), 1, CALLS_SEEN))
    return (await table_calls(port) - before) / CALLS_SEEN


def _versions(missing: Mapping[str, str]) -> dict[str, str]:
    """Of the others, as they are installed here."""
    found: dict[str, str] = {}
    if "LiteLLM" not in missing:
        folder = next((LITELLM / "lib").glob("python*/site-packages/litellm-*.dist-info"))
        found["LiteLLM"] = folder.name.removeprefix("litellm-").removesuffix(".dist-info")
    if "Portkey" not in missing:
        found["Portkey"] = json.loads((PORTKEY.parents[1] / "package.json").read_text())["version"]
    return found


if __name__ == "__main__":
    sys.exit(main())
