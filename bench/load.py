"""`make load`: so many requests a second for minutes, a burst beyond a key's rate, and a soak of everything mixed.

All through `make run`: front door, doors, local AWS and the providers' stand-in on one machine. Afterwards the books
are compared: what the understudy sold, at list prices, what the usage rows say it cost, and what the budgets' windows
spent, all in nano-USD. Writes docs/benchmarks/load.md; fails for an error, a sum that differs, or a burst let through.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from bench.gateway.measure import quantile
from bench.gateway.page import machine
from llm_core import keys
from llm_core.accounts.window import Window, label
from llm_core.aws import table
from llm_core.keys import NewKey, Terms
from local.project import Project
from tests.conftest import Platform, fresh, started
from tests.soaks.soak import ENDS, PRICES, _rss_of_doors, asked

PAGE = Project().root / "docs/benchmarks/load.md"
USER, KEYS, MOST_TOKENS = "loader", 4, 40
A_MINUTE, AT_ONCE = 200, 24
"""Of the key whose rate a burst exceeds: its requests a minute, and how many of the burst are in flight (a key may have
a hundred)."""
STREAMED = 0.4
LAST_S = 120.0


@dataclass
class Books:
    """nano-USD, and calls that were sold and booked. `markup`: what the rows charged above their costs."""

    sold: int
    cost: int
    charged: int
    spent: int
    held: int
    rows: int

    @property
    def agree(self) -> bool:
        return self.sold == self.cost and self.charged == self.spent and not self.held


@dataclass
class Outcome:
    """`seconds` of each answer, from when it was due; `answers`: how many of each status or failure; `late`: the
    most seconds that a request began after it was due."""

    seconds: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    lasted: float = 0.0
    late: float = 0.0
    rss: list[float] = field(default_factory=list)

    @property
    def errors(self) -> int:
        return sum(count for answer, count in self.answers.items() if answer != "200")


class Load:
    """Requests of all dialects, whole and streamed, to models and with keys that nobody else uses."""

    def __init__(self, platform: Platform, seed: int = 1) -> None:
        self.platform = platform
        self.models = {fresh("gpt"), fresh("alone")}
        terms = Terms({"ai:complete"}, {"month": 10**14})
        self.keys: list[NewKey] = [keys.create(f"load {n}", user_id=USER, terms=terms) for n in range(KEYS)]
        self._draw = random.Random(seed)  # noqa: S311 - sample data
        platform.free()

    async def sustained(self, rate: float, seconds: float) -> Outcome:
        """`rate` requests a second, whether or not those before them have been answered."""
        outcome, tasks = Outcome(), set[asyncio.Task[httpx2.Response | None]]()
        began = time.monotonic()
        async with self._client(1_000) as client:
            for number in range(int(rate * seconds)):
                due = began + number / rate
                if (wait := due - time.monotonic()) > 0:
                    await asyncio.sleep(wait)
                outcome.late = max(outcome.late, time.monotonic() - due)
                tasks.add(task := asyncio.create_task(self._one(client, outcome, self.keys[number % KEYS], due)))
                task.add_done_callback(tasks.discard)
                if number % max(1, int(rate * seconds / 8)) == 0:
                    outcome.rss += [rss] if (rss := _rss_of_doors(self.platform)) else []
            await asyncio.wait_for(asyncio.gather(*tasks), LAST_S)
        outcome.lasted = time.monotonic() - began
        outcome.rss += [rss] if (rss := _rss_of_doors(self.platform)) else []
        return outcome

    async def mixed(self, count: int, at_once: int) -> Outcome:
        """So many, so many at once."""
        outcome, left, began = Outcome(), iter(range(count)), time.monotonic()
        async with self._client(at_once) as client:

            async def caller() -> None:
                for number in left:
                    await self._one(client, outcome, self.keys[number % KEYS], time.monotonic())
                    if number % max(1, count // 8) == 0:
                        outcome.rss += [rss] if (rss := _rss_of_doors(self.platform)) else []

            await asyncio.gather(*(caller() for _ in range(at_once)))
        outcome.lasted = time.monotonic() - began
        return outcome

    async def burst(self, count: int) -> tuple[Outcome, int]:
        """Of one key that may make `A_MINUTE`, in one minute; and how many refusals say when to come back."""
        terms = Terms({"ai:complete"}, {"month": 10**14}, requests_per_minute=A_MINUTE)
        key, outcome, told = keys.create("burst", user_id=USER, terms=terms), Outcome(), 0
        self.keys.append(key)
        gate = asyncio.Semaphore(AT_ONCE)
        await asyncio.sleep(60 - time.time() % 60 if time.time() % 60 > 20 else 0)
        minute = int(time.time() // 60)
        async with self._client(AT_ONCE) as client:

            async def one() -> int:
                async with gate:
                    answer = await self._one(client, outcome, key, time.monotonic(), plain=True)
                return int(answer is not None and answer.status_code == 429 and "retry-after" in answer.headers)

            told = sum(await asyncio.gather(*(one() for _ in range(count))))
        if int(time.time() // 60) != minute:
            outcome.answers["the minute was over"] += 1
        return outcome, told

    def books(self, sold_before: int) -> Books:
        """Once everything has been settled."""
        until = time.monotonic() + LAST_S
        while any(window["held"] for window in self._windows()) and time.monotonic() < until:
            time.sleep(0.2)
        ids = {key.key_id for key in self.keys}
        name = self.platform.environment["USAGE_TABLE_NAME"]
        rows = [
            row for row in table.query(name, {"userId": USER}, between=("timestamp", 0, 10**14)) if row["keyId"] in ids
        ]
        windows = list(self._windows())
        return Books(
            self.sold() - sold_before,
            sum(row["cost"] for row in rows),
            sum(row["charged"] for row in rows),
            sum(window["spent"] for window in windows),
            sum(window["held"] for window in windows),
            len(rows),
        )

    def sold(self) -> int:
        """What the understudy has sold of our models, at list prices."""
        answer = self.platform.http.get(f"{self.platform.understudy}/_understudy/sold", params={"last": 0}).json()
        owed = 0
        for models in answer["totals"].values():
            for name in self.models & models.keys():
                read, written = PRICES[name.split("-")[0]]
                owed += models[name]["input"] * read + models[name]["output"] * written
        return owed

    def _windows(self) -> Iterable[table.Item]:
        for key in self.keys:
            if item := Window(f"key:{key.key_id}", label("month", time.time())).read():
                yield item

    def _client(self, at_once: int) -> httpx2.AsyncClient:
        limits = httpx2.Limits(max_connections=at_once, max_keepalive_connections=at_once)
        return httpx2.AsyncClient(base_url=self.platform.url, timeout=60, limits=limits)

    async def _one(
        self, client: httpx2.AsyncClient, outcome: Outcome, key: NewKey, due: float, *, plain: bool = False
    ) -> httpx2.Response | None:
        path, model = self._draw.choice(list(ENDS)), self._draw.choice(sorted(self.models))
        if plain:
            path = "/v1/chat/completions"
        body: dict[str, Any] = asked(path, model, f"Tell me about squirrel {self._draw.random()}.", MOST_TOKENS)
        streamed = path == "/v1/stream" or (not plain and self._draw.random() < STREAMED)
        if not streamed:
            body.pop("stream", None)
        headers = {"authorization": f"Bearer {key.api_key}"}
        try:
            answer = await client.post(path, json=body, headers=headers)
        except httpx2.HTTPError as error:
            outcome.answers[type(error).__name__] += 1
            return None
        cut = answer.status_code == 200 and streamed and not any(end in answer.text for end in ENDS[path])
        outcome.answers["a stream without its end" if cut else str(answer.status_code)] += 1
        outcome.seconds.append(time.monotonic() - due)
        return answer


def page(parts: dict[str, Outcome], books: dict[str, Books], told: int, count: int, asked_for: str) -> str:
    lines = []
    for name, outcome in parts.items():
        times = " | ".join(f"{quantile(outcome.seconds, share) * 1000:.0f}" for share in (0.5, 0.95, 0.99))
        answers = ", ".join(f"{number} x {answer}" for answer, number in sorted(outcome.answers.items()))
        lines.append(f"| {name} | {sum(outcome.answers.values())} | {outcome.lasted:.0f} | {answers} | {times} |")
    sums = [
        f"| {name} | {each.rows} | {each.sold} | {each.cost} | {each.charged} | {each.spent} | {each.held} |"
        for name, each in books.items()
    ]
    grown = [
        f"- {name}: {', '.join(f'{size:.0f}' for size in outcome.rss)} MiB"
        for name, outcome in parts.items()
        if outcome.rss
    ]
    return "\n".join(
        [
            "# Load",
            "",
            f"Written by `make load {asked_for}` on {datetime.now(UTC):%Y-%m-%d} ({machine()};",
            f"load {os.getloadavg()[0]:.1f} at the end).",
            "",
            "Four dialects, two models, whole answers and streams, through `make run`: its front door, the doors, the",
            "local AWS, the stand-in of the providers and the load itself share the machine: the times are its own.",
            "",
            "| | requests | seconds | answers | p50, ms | p95, ms | p99, ms |",
            "|---|---:|---:|---|---:|---:|---:|",
            *lines,
            "",
            f"A burst is {count} requests of one key that may make {A_MINUTE} a minute, within that minute,",
            f"{AT_ONCE} in flight: {told} of the refusals say when to come back (Retry-After).",
            "",
            "Books, in nano-USD: what the stand-in sold at list prices; the usage rows' cost, and with the markup of",
            "2 %; what the keys' windows spent, and still hold.",
            "",
            "| | rows | sold | cost | charged | spent | held |",
            "|---|---:|---:|---:|---:|---:|---:|",
            *sums,
            "",
            "Memory of the doors' process, from the beginning to the end:",
            "",
            *grown,
            "",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=float, default=50, help="requests a second")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--soak", type=int, default=1_500, help="requests of everything mixed")
    parser.add_argument("--burst", type=int, default=260)
    parser.add_argument("--dry", action="store_true", help="write no page")
    wanted = parser.parse_args()
    parts: dict[str, Outcome] = {}
    books: dict[str, Books] = {}
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as platform:
        os.environ |= platform.environment
        load = Load(platform)
        parts["burst"], told = asyncio.run(load.burst(wanted.burst))
        books["burst"] = load.books(0)
        soak = Load(platform, seed=2)
        parts[f"{wanted.soak} mixed"] = asyncio.run(soak.mixed(wanted.soak, 12))
        books[f"{wanted.soak} mixed"] = soak.books(0)
        steady, name = Load(platform, seed=3), f"{wanted.rate:g} a second"
        parts[name] = asyncio.run(steady.sustained(wanted.rate, wanted.seconds))
        books[name] = steady.books(0)
    text = page(parts, books, told, wanted.burst, f"RATE={wanted.rate:g} SECONDS={wanted.seconds:g}")
    sys.stdout.write(text)
    if not wanted.dry:
        PAGE.write_text(text)
    wrong = [name for name, outcome in parts.items() if name != "burst" and outcome.errors]
    wrong += [name for name, each in books.items() if not each.agree]
    if (
        parts["burst"].answers != Counter({"200": A_MINUTE, "429": wanted.burst - A_MINUTE})
        or told != parts["burst"].answers["429"]
    ):
        wrong.append("burst")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
