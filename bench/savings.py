"""`make bench-savings`: what the cache and the roles save of a day's traffic, replayed through the whole platform.

bench/traffic.json, a sample of a stated mix made by hand, is sent to what `make run` runs: each request to one model
for all or to the role of its task, with and without the cache. The understudy is the provider, so that answers have the
length that the sample says; calls are counted where they arrive, costs where they are charged. Writes
docs/benchmarks/savings.md.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console

from local.project import Project

PROJECT = Project()
PAGE = PROJECT.root / "docs/benchmarks/savings.md"
SAMPLE = Path(__file__).with_name("traffic.json")
PATIENCE_S = 120

ROLES = {"summarize": "fast", "classify": "classify", "generate": "generate", "synthesize": "synthesize"}
"""Which role does which task; the models behind them are the catalog's."""

ONE_FOR_ALL = ("claude-opus-4-7", "claude-sonnet-4-6", "gpt-4.1")
"""What a team would ask without roles: the model that its hardest task needs, or one that has to do for all."""

SAYS = {
    "summarize": "Summarise the text for somebody who will not read it.",
    "generate": "Write what is asked for, in a friendly and plain voice.",
    "synthesize": "Bring these notes together: what they agree on, where they contradict each other, what to do next.",
}
LABELS = ["delivery", "billing", "account", "returns", "other"]

REMARK = """\
The aim of the roles was 40 % less. On this mix they miss it: summaries and sorting, which a smaller model does for a
fraction, are a small part of the bill, and most of it is synthesis, for which the roles ask a larger model than a team
would that has one middling model do everything; against such a model they cost more. What a role asks is data: an
overlay that gives `synthesize` to another model moves the last column. Nothing is said here about quality.
"""

Row = Mapping[str, Any]


@dataclass
class Replay:
    """`model` is one for all, empty for roles. USD as charged, by task."""

    model: str
    cached: bool
    calls: int = 0
    hits: int = 0
    costs: Counter[str] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        return f"{self.model or 'roles'}, {'cache' if self.cached else 'no cache'}"

    @property
    def cost(self) -> Decimal:
        return sum(map(Decimal, self.costs.values()), Decimal(0))


class Platform:
    """What `make run` started, its understudy, and a key of our own for each replay."""

    def __init__(self, url: str, key: str, understudy: str) -> None:
        self.url, self.key, self.understudy = url, key, understudy
        self.http = httpx2.Client(timeout=60)

    def replay(self, rows: list[Row], replay: Replay) -> Replay:
        """Send all, one after another."""
        key = self._fresh_key(replay.name)
        before = self._sold()
        for row in rows:
            self._order(row)
            answer = self._ask(row, replay, key)
            replay.hits += answer.headers["x-drey-cache"] == "HIT"
            replay.costs[row["task"]] += Decimal(answer.headers["x-drey-cost-usd"])  # type: ignore[assignment]
        replay.calls = self._sold() - before
        self.http.delete(f"{self.understudy}/_understudy/orders").raise_for_status()
        return replay

    def _ask(self, row: Row, replay: Replay, key: str) -> httpx2.Response:
        model = replay.model or ROLES[row["task"]]
        wish = "use" if replay.cached else "no-store"
        path, body = self._request(row)
        headers = {"authorization": f"Bearer {key}", "x-drey-cache": wish}
        answer = self.http.post(f"{self.url}{path}", json={**body, "model": model}, headers=headers)
        if answer.status_code != 200:
            sys.exit(f"{replay.name}: {row['task']} was answered {answer.status_code}: {answer.text[:300]}")
        return answer

    @staticmethod
    def _request(row: Row) -> tuple[str, dict[str, Any]]:
        if row["task"] == "classify":
            return "/v1/classify", {"input": row["text"], "labels": LABELS}
        text = row.get("text") or "\n\n".join(row["paragraphs"])
        said = {"systemPrompt": SAYS[row["task"]], "messages": [{"role": "user", "content": text}]}
        return "/v1/complete", {**said, "maxTokens": 1_200}

    def _order(self, row: Row) -> None:
        """The understudy's answers get the length that the sample says; a label has its own."""
        self.http.delete(f"{self.understudy}/_understudy/orders").raise_for_status()
        if tokens := row.get("output_tokens"):
            order = {"answer": {"output_tokens": tokens}}
            self.http.post(f"{self.understudy}/_understudy/orders", json=order).raise_for_status()

    def _sold(self) -> int:
        return len(self.http.get(f"{self.understudy}/_understudy/sold").json()["calls"])

    def _fresh_key(self, name: str) -> str:
        """For which nothing is kept yet."""
        body = {"name": name, "scopes": ["ai:complete"], "monthlyBudget": 50}
        headers = {"authorization": f"Bearer {self.key}"}
        made = self.http.post(f"{self.url}/v1/auth/keys", json=body, headers=headers).raise_for_status().json()
        return str(made["apiKey"])


def sample() -> list[Row]:
    """The requests, with their paragraphs in full."""
    told = json.loads(SAMPLE.read_text())
    texts = told["paragraphs"]
    return [
        {**row, "paragraphs": [texts[place] for place in row["paragraphs"]]} if "paragraphs" in row else row
        for row in told["requests"]
    ]


@contextmanager
def running() -> Iterator[Platform]:
    """`make run` with a state of its own, without anybody's keys."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.json"
        command = [sys.executable, "-m", "local", "run", "--quiet", "--port", str(_free_port())]
        command += ["--state", folder, "--ready-file", str(ready)]
        clean = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
        process = subprocess.Popen(command, cwd=PROJECT.root, env=clean)  # noqa: S603 - our own command line
        try:
            until = time.monotonic() + PATIENCE_S
            while not ready.exists():
                if process.poll() is not None or time.monotonic() > until:
                    sys.exit("The platform did not start: see `make run`.")
                time.sleep(0.05)
            told = json.loads(ready.read_text())
            yield Platform(told["url"], told["key"], told["understudy"])
        finally:
            process.terminate()
            process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def page(rows: list[Row], replays: list[Replay]) -> str:
    """docs/benchmarks/savings.md"""
    tasks = Counter(row["task"] for row in rows)
    repeats = len(rows) - len({json.dumps(row, sort_keys=True) for row in rows})
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    by_name = {replay.name: replay for replay in replays}
    roles, both = by_name["roles, no cache"], by_name["roles, cache"]
    dearest = by_name[f"{ONE_FOR_ALL[0]}, no cache"]
    lines = [
        "# What the cache and the roles save",
        "",
        f"Written by `make bench-savings` on {datetime.now(UTC):%Y-%m-%d} ({machine}, the local AWS, the understudy",
        f"as every provider). The sample `bench/traffic.json` is made by hand: {len(rows)} requests, {repeats} of them",
        f"repeats: {tasks['summarize']} summaries, {tasks['classify']} letters to sort, {tasks['generate']} texts to",
        f"write, {tasks['synthesize']} syntheses. Calls are those that reached a provider, costs are as charged.",
        "",
        "| models | cache | calls | hits | USD | summaries | classifications | generation | synthesis |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
        *map(_line, replays),
        "",
        f"**Cache**: {roles.calls - both.calls} of {roles.calls} calls are not made"
        f" ({_part(roles.calls - both.calls, roles.calls)}), at {_less(both.cost, roles.cost)} cost.",
        "",
        "**Roles**, without the cache:",
        "",
        *(_of_roles(roles, by_name[f"{model}, no cache"]) for model in ONE_FOR_ALL),
        "",
        f"**Both**, against {ONE_FOR_ALL[0]} for all and no cache: {_less(both.cost, dearest.cost)}.",
        "",
        REMARK,
    ]
    return "\n".join(lines)


def _line(replay: Replay) -> str:
    costs = " | ".join(f"{Decimal(replay.costs[task]):.4f}" for task in ROLES)
    model, cache = replay.model or "by roles", "yes" if replay.cached else "no"
    return f"| {model} | {cache} | {replay.calls} | {replay.hits} | {replay.cost:.4f} | {costs} |"


def _of_roles(roles: Replay, one: Replay) -> str:
    small = ("summarize", "classify")
    mine, theirs = (sum((Decimal(each.costs[task]) for task in small), Decimal(0)) for each in (roles, one))
    return (
        f"- against {one.model} for all: {_less(roles.cost, one.cost)}; of summaries and sorting {_less(mine, theirs)}"
    )


def _less(now: Decimal, before: Decimal) -> str:
    percent = (before - now) / before * 100
    return f"{percent:.0f} % less" if percent >= 0 else f"{-percent:.0f} % more"


def _part(some: int, of: int) -> str:
    return f"{some / of:.0%}".replace("%", " %")


def main() -> int:
    console = Console(highlight=False)
    rows = sample()
    with running() as running_platform:
        replays = []
        for model in (*ONE_FOR_ALL, ""):
            for cached in (False, True):
                replays.append(running_platform.replay(rows, Replay(model, cached)))
                console.print(f"{replays[-1].name}: {replays[-1].calls} calls, {replays[-1].cost:.4f} USD")
    told = page(rows, replays)
    PAGE.write_text(told)
    console.print(told[told.index("**Cache**") :], markup=False)
    console.print(f"{PAGE.relative_to(PROJECT.root)} written.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
