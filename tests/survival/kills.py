"""Runs of agents, and a hand that kills the doors' process in the middle of them."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from llm_core.accounts import sweeper
from llm_core.accounts.window import Window
from llm_core.aws import table
from llm_core.deadline import Deadline
from tests.conftest import Platform

BODY = {
    "type": "research",
    "input": {"topic": "How squirrels build their nests"},
    "tools": ["search", "summarize", "extract"],
}
PATIENCE_S = 180.0
LATEST_S = 2.5
"""After which a kill comes at the latest, counted from the start of the runs."""

LONG_AFTER_S = 1_800
"""When no call that was begun can still be alive."""

THINKS = "claude-sonnet-4-6"
"""The model of a turn; tools ask a smaller one."""

OVER = {"succeeded", "failed", "cancelled"}


@dataclass
class Outcome:
    """What became of the runs, and what the ledger says of them. `problems` is empty when all is as promised."""

    statuses: Counter[str] = field(default_factory=Counter)
    runs: list[str] = field(default_factory=list)
    kills: int = 0
    killed_runs: int = 0
    estimated_turns: int = 0
    estimated_tools: int = 0
    seconds: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def doors(root_pid: int) -> list[int]:
    """The doors' processes of a running platform: descendants of its supervisor that serve."""
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            stat = (folder / "stat").read_text().rpartition(") ")[2].split()
            parents[int(folder.name)] = int(stat[1])
            commands[int(folder.name)] = (folder / "cmdline").read_bytes().decode().split("\0")
    found = [root_pid]
    for member in found:
        found += [child for child, parent in parents.items() if parent == member]
    return [pid for pid in found if "local.server" in commands.get(pid, ())]


def begin(platform: Platform, count: int, budget: float | None = 1.0) -> list[str]:
    """So many runs, started by a stream of which only the header is read: nobody waits for them."""
    made = []
    for _ in range(count):
        headers = {"authorization": f"Bearer {platform.key}"}
        url, body = f"{platform.url}/v1/agents/stream", {**BODY, "budget": budget}
        with httpx2.stream("POST", url, json=body, headers=headers, timeout=60) as answer:
            answer.raise_for_status()
            made.append(answer.headers["x-drey-run-id"])
    return made


def see(platform: Platform, run_id: str) -> dict[str, Any]:
    """The run, as soon as somebody is there who can tell."""
    headers = {"authorization": f"Bearer {platform.key}"}
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            answer = httpx2.get(f"{platform.url}/v1/agents/runs/{run_id}", headers=headers, timeout=30)
            answer.raise_for_status()
            told: dict[str, Any] = answer.json()
        except httpx2.HTTPError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return told


def kill(root_pid: int) -> bool:
    """SIGKILL, as the kernel does it when memory is short; whether there was somebody."""
    found = doors(root_pid)
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(found)


def survived(platform: Platform, root_pid: int, runs: int, seed: int, at_once: int = 5) -> Outcome:
    """Run them a few at a time, and kill the doors once in each batch at a random moment of it."""
    draw, outcome = random.Random(seed), Outcome()
    left = runs
    while left > 0:
        batch = min(at_once, left)
        left -= batch
        began = time.monotonic()
        made = begin(platform, batch)
        outcome.runs += made
        time.sleep(draw.uniform(0, LATEST_S))  # the moment is the experiment
        unfinished = [run_id for run_id in made if see(platform, run_id)["status"] not in OVER]
        if kill(root_pid):
            outcome.kills += 1
            outcome.killed_runs += len(unfinished)
        for run_id in made:
            _wait(platform, run_id, outcome)
            outcome.seconds.append(time.monotonic() - began)
    return outcome


def _wait(platform: Platform, run_id: str, outcome: Outcome) -> None:
    until = time.monotonic() + PATIENCE_S
    while (run := see(platform, run_id))["status"] not in OVER:
        if time.monotonic() > until:
            outcome.problems.append(f"{run_id} does not end: {run}")
            return
        time.sleep(0.1)
    outcome.statuses[run["status"]] += 1
    outcome.problems += list(_faults(run))


def _faults(run: dict[str, Any]) -> Iterator[str]:
    """What must hold of a run's own story, however often its doors died."""
    steps = run["steps"]
    if [step["seq"] for step in steps] != list(range(1, len(steps) + 1)):
        yield f"{run['runId']}: gaps in {[step['seq'] for step in steps]}"
    kinds = Counter(step["type"] for step in steps)
    if kinds["done"] != 1 or steps[-1]["type"] != "done":
        yield f"{run['runId']}: it ends {kinds['done']} times"
    asked = Counter(step["callId"] for step in steps if step["type"] == "tool_call")
    answered = Counter(step["callId"] for step in steps if step["type"] == "observation")
    if max([*asked.values(), *answered.values()], default=1) > 1:
        yield f"{run['runId']}: a tool ran twice"
    if run["status"] == "succeeded" and asked != answered:
        yield f"{run['runId']}: {asked} asked, {answered} answered"


def settled(platform: Platform, user: str, outcome: Outcome) -> None:
    """The books after a last sweep: nothing is held any more, no attempt stands there twice, and all purses together
    have spent what the rows say. The environment must be the doors'."""
    sweeper.sweep(time.time() + LONG_AFTER_S, Deadline.after(120))
    name = platform.environment["USAGE_TABLE_NAME"]
    rows = list(table.query(name, {"userId": user}, between=("timestamp", 0, 10**14)))
    keys = Counter((row["id"], row["attempt"]) for row in rows)
    outcome.problems += [f"settled twice: {key}" for key, times in keys.items() if times > 1]
    outcome.estimated_turns = sum(row["estimated"] and row["model"] == THINKS for row in rows)
    outcome.estimated_tools = sum(row["estimated"] and row["model"] != THINKS for row in rows)
    purses = [Window(f"run:{run_id}", "total").read() or {} for run_id in outcome.runs]
    if any(purse["held"] or purse["overrun"] for purse in purses):
        outcome.problems.append("a purse still holds something, or paid more than it held")
    mine = [row for row in rows if row["metadata"].get("run", outcome.runs[0]) in outcome.runs]  # the dead have no tags
    spent, booked = sum(purse["spent"] for purse in purses), sum(row["charged"] for row in mine)
    if spent != booked:
        outcome.problems.append(f"purses spent {spent} nano-USD, rows say {booked}")
    if outcome.estimated_turns > outcome.killed_runs:
        outcome.problems.append(f"{outcome.estimated_turns} estimated turns of {outcome.killed_runs} killed runs")
