"""Many streams at once, some left in the middle by their readers, held against the account of who sold them.

Each stream has a mark in its prompt and in its metadata, so that its usage row and its sale find each other.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from llm_core import keys
from llm_core.accounts.window import Window, label
from llm_core.aws import table
from llm_core.keys import NewKey, Terms
from tests.conftest import Platform

ENDS = {
    "/v1/chat/completions": ("data: [DONE]",),
    "/v1/messages": ("event: message_stop",),
    "/v1/responses": ("event: response.completed", "event: response.incomplete"),
    "/v1/stream": ("data: [DONE]",),
}
"""The dialects, and the lines by which a reader knows that an answer has ended; `incomplete` is one at its limit."""

PRICES = {"gpt": (400, 1_600), "alone": (1_000, 5_000)}
"""nano-USD a token, in and out, of the pool's models (tests/conftest.py)."""

MOST_TOKENS = 40
USER = "soaker"
LONGEST_S = 480
"""After which nothing may be held: the sweeper gives back what could not be given back at once when its lease is over,
a minute after the 300 s that a stream may take."""

ROUND = 250
"""Streams between two looks at the understudy's requests, of which it keeps a thousand."""


@dataclass
class Told:
    """What a reader saw of one stream. `leaves_after`: lines, None for one who reads to the end."""

    mark: str
    path: str
    family: str
    leaves_after: int | None
    status: int = 0
    lines: int = 0
    whole: bool = False
    left: bool = False
    trouble: str = ""

    @property
    def refused(self) -> bool:
        """Before it began, because the tables did not answer in time: on a busy machine the local AWS is slow."""
        return self.status == 503 and "store_unavailable" in self.trouble


@dataclass
class Outcome:
    """What came of all of them; money in nano-USD. `at_once`: the most that were being told at one moment. `violations`
    are in words; `rss` is of the process of the doors, in MiB, after each round."""

    told: list[Told]
    seconds: float
    at_once: int
    booked: int
    sold: int
    ceilings: int
    violations: list[str]
    rss: list[float] = field(default_factory=list)

    @property
    def whole(self) -> int:
        return sum(each.whole for each in self.told)

    @property
    def refused(self) -> int:
        return sum(each.refused for each in self.told)

    @property
    def left(self) -> int:
        return sum(each.left for each in self.told)


class Soak:
    """Streams over a running platform, with keys of its own; `models` are those it asks, by family."""

    def __init__(self, platform: Platform, models: dict[str, str], seed: int = 1) -> None:
        self._platform = platform
        self._models = models
        self._random = random.Random(seed)
        self._name = uuid4().hex[:8]
        self._keys = [self._key(number) for number in range(2)]  # a key may have 100 calls in flight
        self._sales: dict[str, dict[int, dict[str, Any]]] = {}
        self._open = self._most = 0
        self._rss: list[float] = []

    def run(self, count: int, at_once: int, *, leaving: float, apart_s: float = 0) -> Outcome:
        """Read so many streams, so many at once; this share of the readers leaves at a line drawn by lot.

        `apart_s`: seconds between the beginnings of two.
        """
        told = [self._drawn(number, leaving) for number in range(count)]
        ceilings = {(path, family): self._ceiling(path, family) for path in ENDS for family in self._models}
        began = time.monotonic()
        for first in range(0, count, ROUND):
            asyncio.run(self._round(told[first : first + ROUND], at_once, apart_s))
            self._settled()
            self._remember()
            self._rss += [rss] if (rss := _rss_of_doors(self._platform)) else []
        seconds = time.monotonic() - began
        self._settled(within_s=LONGEST_S)
        rows = self._rows()
        violations = [*self._judged(told, rows, ceilings), *self._windows(rows)]
        booked = sum(row["charged"] for found in rows.values() for row in found)
        sold = sum(_sold(sale) for sales in self._sales.values() for sale in sales.values())
        held = sum(ceilings[each.path, each.family] for each in told if each.mark in rows)
        return Outcome(told, seconds, self._most, booked, sold, held, violations, self._rss)

    # -------------------------------------------------------------------------------------------- reading
    def _drawn(self, number: int, leaving: float) -> Told:
        leaves = self._random.randint(0, 25) if self._random.random() < leaving else None
        return Told(
            self._mark(number), self._random.choice(list(ENDS)), self._random.choice(list(self._models)), leaves
        )

    def _mark(self, number: int) -> str:
        return f"soak-{self._name}-{number:06d}"

    async def _round(self, told: list[Told], at_once: int, apart_s: float) -> None:
        gate = asyncio.Semaphore(at_once)
        limits = httpx2.Limits(max_connections=at_once, max_keepalive_connections=at_once)
        async with httpx2.AsyncClient(base_url=self._platform.url, timeout=60, limits=limits) as client:

            async def one(place: int, each: Told) -> None:
                await asyncio.sleep(place * apart_s)
                async with gate:
                    try:
                        await self._read(client, each)
                    except httpx2.HTTPError as error:
                        each.trouble = f"{type(error).__name__}: {error}"

            await asyncio.gather(*(one(place, each) for place, each in enumerate(told)))

    async def _read(self, client: httpx2.AsyncClient, each: Told) -> None:
        body = self._body(each.path, each.family, each.mark)
        async with client.stream("POST", each.path, json=body, headers=self._headers(each)) as answer:
            each.status = answer.status_code
            if each.status != 200:
                each.trouble = (await answer.aread()).decode()[:300]
                return
            self._open += 1
            self._most = max(self._most, self._open)
            try:
                await self._lines(answer, each)
            finally:
                self._open -= 1

    async def _lines(self, answer: httpx2.Response, each: Told) -> None:
        async for line in answer.aiter_lines():
            if each.leaves_after is not None and each.lines >= each.leaves_after:
                each.left = True
                return
            each.lines += 1
            each.whole = each.whole or line.startswith(ENDS[each.path])
            each.trouble = line[:300] if '"error"' in line and "request" in line else each.trouble

    def _headers(self, each: Told) -> dict[str, str]:
        key = self._keys[int(each.mark[-6:]) % len(self._keys)]
        return {"authorization": f"Bearer {key.api_key}", "x-drey-metadata": json.dumps({"soak": each.mark})}

    def _body(self, path: str, family: str, mark: str) -> dict[str, Any]:
        return asked(path, self._models[family], f"{mark}: tell me about squirrels.", MOST_TOKENS)

    # -------------------------------------------------------------------------------------------- accounts
    def _key(self, number: int) -> NewKey:
        return keys.create(f"soak {number}", user_id=USER, terms=Terms({"ai:complete"}, {"month": 10**14}))

    def _settled(self, within_s: float = 30) -> None:
        """Until nothing is held any more, or this is over: who judges will say so."""
        until = time.monotonic() + within_s
        while any(window["held"] for window in self._read_windows()) and time.monotonic() < until:
            time.sleep(0.1)

    def _read_windows(self) -> Iterator[table.Item]:
        for key in self._keys:
            if item := Window(f"key:{key.key_id}", label("month", time.time())).read():
                yield item

    def _remember(self) -> None:
        """Which sale is whose: the understudy forgets its requests after a while, and its sales later."""
        sales = {sale["seq"]: sale for sale in self._platform.sold()}
        for request in self._platform.asked(last=2 * ROUND):
            if (mark := re.search(rf"soak-{self._name}-\d{{6}}", request["body"] or "")) and request["seq"] in sales:
                self._sales.setdefault(mark[0], {})[request["seq"]] = sales[request["seq"]]

    def _rows(self) -> dict[str, list[table.Item]]:
        """The usage rows by their marks."""
        name = self._platform.environment["USAGE_TABLE_NAME"]
        found: dict[str, list[table.Item]] = {}
        for row in table.query(name, {"userId": USER}, between=("timestamp", 0, 10**14)):
            if row["keyId"] in {key.key_id for key in self._keys}:
                found.setdefault(row["metadata"].get("soak", row["id"]), []).append(row)
        return found

    def _ceiling(self, path: str, family: str) -> int:
        """What such a request holds, in nano-USD, as the platform says when it may cost nothing."""
        probe = Told(self._mark(0), path, family, None)
        headers = {**self._headers(probe), "x-drey-max-cost-usd": "0"}
        body = self._body(path, family, probe.mark)
        answer = self._platform.http.post(f"{self._platform.url}{path}", json=body, headers=headers)
        assert answer.status_code == 402, answer.text
        error = told["error"] if isinstance((told := answer.json())["error"], dict) else told
        return round(float(error["required"]) * 10**9)

    def _judged(
        self, told: list[Told], rows: dict[str, list[table.Item]], ceilings: dict[tuple[str, str], int]
    ) -> Iterator[str]:
        for mark in rows.keys() - {each.mark for each in told}:
            if any(row["charged"] for row in rows[mark]):  # a hold that could not be given back costs nothing
                yield f"{mark} is a row of no reader's: {[row['outcome'] for row in rows[mark]]}"
        for each in told:
            if each.refused:
                if each.mark in self._sales or any(row["charged"] for row in rows.get(each.mark, [])):
                    yield f"{each.mark} was refused and sold or booked all the same"
                continue
            made, sales = rows.get(each.mark, []), list(self._sales.get(each.mark, {}).values())
            if each.trouble or not (each.whole or each.left):
                yield f"{each.mark} ended neither whole nor by its reader: {each.status} {each.trouble}"
            if len(made) < len(sales) or not made:
                yield f"{each.mark} has {len(made)} rows and {len(sales)} sales"
            elif wrong := _wrong(each, made, sales, ceilings[each.path, each.family]):
                yield f"{each.mark} {wrong}"

    def _windows(self, rows: dict[str, list[table.Item]]) -> Iterator[str]:
        charged = {key.key_id: 0 for key in self._keys}
        for row in (row for found in rows.values() for row in found):
            charged[row["keyId"]] += row["charged"]
        for key, window in zip(self._keys, self._read_windows(), strict=True):
            if window["held"] or window["holds"]:
                yield f"{window['held']} nano-USD are held for {len(window['holds'])} calls that are over"
            if window["spent"] != charged[key.key_id]:
                yield f"a window spent {window['spent']}, its rows say {charged[key.key_id]}"


def _wrong(each: Told, rows: list[table.Item], sales: list[dict[str, Any]], ceiling: int) -> str:
    """What is wrong with how this one was booked; nothing, mostly. `rows` are attempts: a slow machine makes two."""
    if each.whole and rows[-1]["outcome"] != "ok":
        return f"was whole and is booked as {rows[-1]['outcome']}"
    if [row["outcome"] for row in rows] == ["ok"] and len(sales) == 1:
        counts = {bucket: tokens for bucket, tokens in sales[0]["usage"].items() if bucket in rows[0]["tokens"]}
        return "" if rows[0]["tokens"] == counts else f"was booked as {rows[0]['tokens']} and sold as {counts}"
    sold, booked, most = sum(map(_sold, sales)), sum(row["charged"] for row in rows), ceiling * len(rows)
    return "" if sold <= booked <= most else f"was sold for {sold}, booked as {booked}, with a ceiling of {most}"


def _sold(sale: dict[str, Any]) -> int:
    """What the provider bills for a sale, nano-USD. The pool's prompts are too short for its caches."""
    put_in, written = PRICES[str(sale["model"]).split("-")[0]]
    usage = sale["usage"]
    return int(usage["input"]) * put_in + int(usage["output"]) * written


def _rss_of_doors(platform: Platform) -> float | None:
    """MiB of the process that runs the doors; None where /proc is missing."""
    state = str(platform.logs.parents[1]).encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            if b"local.server" in command and state in command:
                pages = int((folder / "statm").read_text().split()[1])
                return pages * 4096 / 2**20
        except OSError:
            continue  # it has ended meanwhile
    return None


def asked(path: str, model: str, said: str, most: int) -> dict[str, Any]:
    """The body of a request for a stream of so many tokens, in the dialect of its path."""
    messages = [{"role": "user", "content": said}]
    match path:
        case "/v1/responses":
            return {"model": model, "input": said, "max_output_tokens": most, "stream": True}
        case "/v1/stream":
            return {"model": model, "messages": messages, "maxTokens": most}
        case _:
            return {"model": model, "messages": messages, "max_tokens": most, "stream": True}


def arrivals(platform: Platform, key: NewKey, path: str, model: str) -> list[float]:
    """When each piece of a stream came off the wire, in seconds after its head."""
    body = asked(path, model, "Squirrels?", 12)
    headers = {"authorization": f"Bearer {key.api_key}"}
    with httpx2.stream("POST", f"{platform.url}{path}", json=body, headers=headers, timeout=60) as answer:
        assert answer.status_code == 200, answer.read()
        began = time.monotonic()
        return [time.monotonic() - began for _ in answer.iter_raw()]


@contextmanager
def paced(platform: Platform, **pace: Any) -> Iterator[None]:
    """The understudy's words come one after the other, as a model's do."""
    place = f"{platform.understudy}/_understudy/pace"
    platform.http.post(place, json=pace).raise_for_status()
    try:
        yield
    finally:
        platform.http.delete(place).raise_for_status()
