"""`make survival`: agents' runs while their doors are killed, and how long runs take; docs/benchmarks/agents.md.

python -m tests.survival --runs 50 --timed 20
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform as machine
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console

from local.key import USER
from tests.conftest import ROOT, Platform, _forget, started
from tests.survival import kills
from tests.survival.kills import BODY, Outcome

PAGE = ROOT / "docs/benchmarks/agents.md"
TURN_S, AT_ONCE = 1.5, 15
PROMISED_S = 12.0
SEED = 2847


def main() -> int:
    """0 when all is as promised, else 1."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--timed", type=int, default=20)
    asked = parser.parse_args()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as running:
        os.environ |= running.environment
        _forget()
        _pace(running, TURN_S)
        timed = [_timed(running) for _ in range(asked.timed)]
        console.print(f"{asked.timed} runs, one after the other: p95 {_p95(timed):.1f} s")
        began = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            together = list(pool.map(lambda _: _timed(running), range(AT_ONCE)))
        whole = time.monotonic() - began
        console.print(f"{AT_ONCE} runs at once: the last after {whole:.1f} s")
        _pace(running, 0.3)
        supervisor = json.loads((Path(folder) / "ready.json").read_text())["pid"]
        outcome = kills.survived(running, supervisor, asked.runs, SEED, at_once=1)
        kills.settled(running, USER, outcome)
    PAGE.write_text(_page(asked.runs, timed, together, whole, outcome))
    for problem in outcome.problems:
        console.print(problem)
    good = not outcome.problems and _p95(timed) <= PROMISED_S
    console.print(f"{PAGE.relative_to(ROOT)} is written; {'all is as promised' if good else 'a promise is broken'}")
    return 0 if good else 1


def _pace(running: Platform, seconds: float) -> None:
    pace = {"first_token_s": seconds}
    running.http.post(f"{running.understudy}/_understudy/pace", json=pace).raise_for_status()


def _timed(running: Platform) -> float:
    """Seconds from the request to the run's end."""
    began = time.monotonic()
    headers = {"authorization": f"Bearer {running.key}"}
    answer = httpx2.post(f"{running.url}/v1/agents/run", json=BODY, headers=headers, timeout=60)
    answer.raise_for_status()
    run: dict[str, Any] = answer.json()
    while run["status"] not in kills.OVER:
        time.sleep(0.1)
        run = kills.see(running, run["runId"])
    assert run["status"] == "succeeded", run
    return time.monotonic() - began


def _p95(seconds: list[float]) -> float:
    return sorted(seconds)[math.ceil(len(seconds) * 0.95) - 1]


def _page(runs: int, timed: list[float], together: list[float], whole: float, outcome: Outcome) -> str:
    where = f"{machine.system()} {machine.machine()}, {os.cpu_count()} cores, Python {machine.python_version()}"
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(outcome.statuses.items()))
    counts = (runs, outcome.kills, outcome.killed_runs, statuses, outcome.estimated_turns, outcome.estimated_tools)
    told = " | ".join(map(str, (*counts, len(outcome.problems))))
    return f"""# Agents' runs: how long they take, and what kills them

Written by `make survival` on {datetime.now(UTC):%Y-%m-%d} ({where}, the local AWS).

A run is the documented one: a research with `search`, `summarize` and `extract`, two turns of the model and three
tools side by side. The understudy takes {TURN_S} s for each answer, those that tools ask for included; all else is the
platform, its state machine, and this machine (load {os.getloadavg()[0]:.0f} at the end).

| runs | p50 | p95 | promised |
|---|---:|---:|---:|
| {len(timed)}, one after the other | {_p50(timed):.1f} s | {_p95(timed):.1f} s | {PROMISED_S:.0f} s (p95) |
| {len(together)} at once | {_p50(together):.1f} s | {_p95(together):.1f} s | all finish: after {whole:.1f} s |

## Killed

{runs} runs, each with a budget of its own, and in each the doors' process was killed (-9) once, at a moment drawn
between its start and {kills.LATEST_S} s later; the supervisor starts another, and the state machine asks again. Then a
last sweep finishes what died.

| runs | kills | before the end | ended | estimated turns | estimated calls of tools | violations |
|---:|---:|---:|---|---:|---:|---:|
| {told} |

A violation would be: a run that does not end, or ends twice; a gap in its events; a tool whose result is told twice;
an attempt that is booked twice; purses that spent anything but the sum of the usage rows, or still hold something;
more than one estimated turn a kill. Estimated: a model was at work when its caller died, so the call is booked at the
most it can have cost, and asked again.
"""


def _p50(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) // 2]


if __name__ == "__main__":
    sys.exit(main())
