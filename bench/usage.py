"""`make bench-usage`: what a dashboard's questions read, while the usage grows to a hundred thousand rows in a month.

The rows are counted as the stream would bring them, a hundred at a time in the order of time, into a table of a local
AWS of this run's own. Items read are its account (ScannedCount), units are DynamoDB's rule for the items' sizes. Writes
docs/benchmarks/usage.md; fails when a question reads more than its days explain.
"""

import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import batched
from math import ceil
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from local.emulator import Emulator
from local.key import environment
from local.project import Project
from local.template import Template

PROJECT = Project()
PAGE = PROJECT.root / "docs/benchmarks/usage.md"
SIZES = (1_000, 10_000, 100_000)
DAYS = 31
TODAY = datetime.now(UTC).date()
USER, LONG_USER = "busy", "year"
KEYS = ("sk-proj-aaaaaaaaaaaa", "sk-proj-bbbbbbbbbbbb")
MODELS = ("claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-4-7")
KINDS = len(KEYS) * len(MODELS) * 2  # outcomes: ok and timeout
QUESTIONS = {
    "31 days by day and model": (USER, {"by": "day,model"}, DAYS),
    "31 days by hour": (USER, {"by": "hour"}, DAYS),
    "400 days by day": (LONG_USER, {"by": "day"}, 400),
}


@dataclass
class Account:
    """What the requests since `clear` took."""

    requests: int = 0
    items: int = 0
    units: float = 0.0

    def attach(self, client: Any) -> None:
        client.meta.events.register("after-call.dynamodb.Query", self._read)
        client.meta.events.register("provide-client-params.dynamodb.TransactWriteItems", self._ask)
        client.meta.events.register("after-call.dynamodb.TransactWriteItems", self._written)

    def clear(self) -> None:
        self.requests, self.items, self.units = 0, 0, 0.0

    def _read(self, parsed: dict[str, Any], **_: Any) -> None:
        """Half a unit for each 4 KB of a page, because the read need not be consistent."""
        self.requests += 1
        self.items += parsed["ScannedCount"]
        self.units += ceil(sum(map(_bytes, parsed["Items"])) / 4096) / 2

    def _ask(self, params: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**params, "ReturnConsumedCapacity": "TOTAL"}

    def _written(self, parsed: dict[str, Any], **_: Any) -> None:
        self.requests += 1
        self.units += sum(each["CapacityUnits"] for each in parsed["ConsumedCapacity"])


def _bytes(item: dict[str, dict[str, str]]) -> int:
    """As DynamoDB weighs it: names and text by their length, two digits a byte."""
    values = ((name, *next(iter(value.items()))) for name, value in item.items())
    return sum(len(name) + (len(text) // 2 + 2 if kind == "N" else len(text)) for name, kind, text in values)


@dataclass
class Asked:
    """One question at one size."""

    rows: int
    question: str
    items: int
    units: float
    requests: int
    milliseconds: float
    most: int

    def __str__(self) -> str:
        read = f"{self.items:,} | {self.most:,} | {self.units:g} | {self.requests}"
        return f"| {self.rows:,} | {self.question} | {read} | {self.milliseconds:.0f} |"


@dataclass
class Results:
    asked: list[Asked] = field(default_factory=list)
    counted: dict[str, float] = field(default_factory=dict)


def rows(user: str, number: int, days: int) -> Iterator[dict[str, Any]]:
    """Spread over the days at random, in the order of time; the same for everybody but for the date."""
    draw = random.Random(number)  # noqa: S311 - sample data
    begin = datetime.combine(TODAY - timedelta(days=days - 1), datetime.min.time(), UTC).timestamp()
    for second in sorted(draw.uniform(0, days * 86_400) for _ in range(number)):
        cost = draw.randint(10_000, 9_000_000)
        yield {
            "userId": user,
            "timestamp": Decimal(f"{int((begin + second) * 1000)}.{draw.getrandbits(64):020d}01"),
            "keyId": draw.choice(KEYS),
            "operation": "chat",
            "provider": "anthropic",
            "model": draw.choice(MODELS),
            "outcome": "timeout" if draw.random() < 0.03 else "ok",
            "tokens": {"input": draw.randint(10, 9_000), "output": draw.randint(10, 2_000)},
            "cost": cost,
            "charged": cost + cost // 50,
            "estimated": False,
            "latencyMs": int(draw.lognormvariate(6.8, 0.5)),
            "attempt": 1,
            "ttl": int(begin + second) + 400 * 86_400,
        }


def measure(console: Console) -> Results:
    """With the environment of a door that reads and counts."""
    from llm_core.aws import clients

    results, account = Results(), Account()
    for client in (clients.dynamodb(), clients.dynamodb_once()):
        account.attach(client)
    _count((row for n in range(KINDS) for row in _one_of_each(n)), 400 * KINDS, "400 days")
    done = 0
    month = rows(USER, SIZES[-1], DAYS)
    # Thinned out evenly, so that each size lies over the whole month.
    shares: dict[int, list[dict[str, Any]]] = {size: [] for size in SIZES}
    for number, row in enumerate(month):
        shares[next(size for size in SIZES if number % (SIZES[-1] // size) == 0)].append(row)
    for size in SIZES:
        account.clear()
        began = time.process_time()
        _count(shares[size], len(shares[size]), f"{size} rows")
        took = time.process_time() - began
        done += len(shares[size])
        results.counted = {
            "rows": len(shares[size]),
            "transactions": account.requests,
            "units": account.units,
            "seconds": took,
        }
        results.asked += [_ask(account, done, name) for name in QUESTIONS]
    console.print(f"{done} rows counted.")
    return results


def _one_of_each(number: int) -> Iterator[dict[str, Any]]:
    """A row a day for 400 days, of one key, model and outcome."""
    labels = {"keyId": KEYS[number % 2], "model": MODELS[number // 2 % 3], "outcome": ("ok", "timeout")[number // 6]}
    for place, row in enumerate(rows(LONG_USER, 400, 400)):
        noon = datetime.combine(TODAY - timedelta(days=place), datetime.min.time(), UTC).timestamp() + 43_200
        yield row | labels | {"timestamp": Decimal(f"{int(noon * 1000)}.{number:04d}{place:016d}01")}


def _count(found: Any, number: int, name: str) -> None:
    from llm_core.deadline import Deadline
    from llm_core.roll_ups.counting import Fact, count

    batches = batched(map(Fact.of, found), 100, strict=False)
    total = -(-number // 100)
    for batch in track(batches, f"Counting {name}", total=total, disable=not sys.stdout.isatty()):
        count(batch, Deadline.after(60))


def _ask(account: Account, size: int, question: str) -> Asked:
    from accounts import report
    from llm_core.roll_ups import projection

    user, query, days = QUESTIONS[question]
    first = TODAY - timedelta(days=days - 1)
    asked = report.read({"from": first.isoformat(), "to": TODAY.isoformat(), **query}, TODAY)
    account.clear()
    began = time.process_time()
    told = report.shown(report.make(asked, f"user:{user}", datetime.now(UTC)))
    took = (time.process_time() - began) * 1000
    wanted = size if user == USER else 400 * KINDS
    if told["total"]["calls"] != wanted:
        sys.exit(f"{question}: {told['total']['calls']} calls are told, {wanted} were made")
    periods = days * (24 if asked.period == "hour" else 1) + (TODAY - projection.since(TODAY)).days + 1
    return Asked(size, question, account.items, account.units, account.requests, took, periods * KINDS)


def page(results: Results) -> str:
    """docs/benchmarks/usage.md"""
    made = results.counted
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        "# What a dashboard's question costs",
        "",
        f"Written by `make bench-usage` on {datetime.now(UTC):%Y-%m-%d} ({machine}, the local AWS). One user",
        f"with {len(KEYS)} keys, {len(MODELS)} models and two outcomes, so a day or an hour has at most {KINDS} cells.",
        "Every answer includes the projection of the month, which reads its days and the four weeks before today.",
        "Units by DynamoDB's rule for the items' sizes; milliseconds of this processor, until the JSON is made.",
        "",
        "| rows of the month | question | items read | at most | read units | requests | ms |",
        "|---:|---|---:|---:|---:|---:|---:|",
        *map(str, results.asked),
        "",
        f"The rows themselves are never read: without the sums, the last lines would read {SIZES[-1]:,} items. The 400",
        "days are another user's, with every cell of every day there is.",
        "",
        f"Keeping the sums: the last {made['rows']:,.0f} rows, a hundred in a batch as the stream brings them, took",
        f"{made['transactions']:,.0f} transactions, {made['units'] / made['rows']:.1f} write units a row and",
        f"{made['seconds'] / made['rows'] * 1000:.2f} ms of this processor a row.",
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        emulator = Emulator.open(Project(state=Path(folder)))
        try:
            template = Template(PROJECT.template)
            table = "bench-roll-ups"
            declared = template.resources["RollUpsTable"]["Properties"]
            shape = {name: declared[name] for name in ("AttributeDefinitions", "KeySchema", "BillingMode")}
            emulator.client("dynamodb").create_table(TableName=table, **shape)
            os.environ.update(environment({"AWS_ENDPOINT_URL": emulator.url, "ROLL_UPS_TABLE_NAME": table}))
            sys.path[:0] = map(str, PROJECT.sources)
            results = measure(console)
        finally:
            emulator.stop()
    PAGE.write_text(page(results))
    console.print(f"{PAGE.relative_to(PROJECT.root)} written.")
    over = [each for each in results.asked if each.items > each.most]
    for each in over:
        console.print(
            f"[red]{each.question} at {each.rows} rows reads {each.items} items: more than its days explain[/]"
        )
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
