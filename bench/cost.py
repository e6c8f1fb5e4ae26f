"""`make bench-cost`: what a month of Drey costs at AWS, by the template and by list prices: docs/cost.md.

How many keys, alarms, schedules and rules there are is read from template.yaml and stacks/; how much of everything a
call needs stands in `CALL`, each figure with where it is from. What models cost is not in it: that is passed on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from local.project import Project
from local.template import Template

PROJECT = Project()
PAGE = PROJECT.root / "docs/cost.md"
BOOK: dict[str, Any] = json.loads(Path(__file__).with_name("aws_prices.json").read_text())
PRICES: dict[str, dict[str, Any]] = BOOK["prices"]

HOURS = 730
"""In a month, as AWS counts."""

Needs = Mapping[str, Decimal]
"""How much of each price a month takes: {name of a price: units}."""

CALL: dict[str, tuple[str, str]] = {
    "api.requests": ("1", "one request"),
    "lambda.requests": ("3", "the call; its row to the sums, its budget to the alerts: each alone, as in a quiet hour"),
    "dynamodb.reads": ("3", "the key, the breaker's state, the sweeper's and the streams' share"),
    "dynamodb.writes": (
        "16",
        "hold 2, usage row 2, settle 2 (docs/decisions/0013); sums 10 where a row comes alone, 3 where a hundred do "
        "(docs/benchmarks/usage.md)",
    ),
    "dynamodb.storage": ("0.0000015", "a row of 1.5 KB, for the month"),
    "dynamodb.backup": ("0.0000015", "the same"),
    "logs.ingested": ("0.000004", "4 KB: Lambda's own three lines of each invocation, the llm_call line, its metrics"),
    "xray.traces": ("1", "at most: more than one request a second is sampled"),
    "transfer.out": ("0.000004", "an answer of 4 KB"),
}
"""What one call takes, beside the seconds it lasts, and why."""

BESIDE_GB_S = Decimal("0.05")
"""GB-seconds of a call's two other invocations: 50 ms of 512 MB each. Assumed."""

MODELS, METRICS_A_MODEL = 3, 3
"""Models that a stage really asks, and metrics of each: latency, tokens, cost (journal.py)."""

SWEEP_MS, SWEEP_LOG_KB = 100, Decimal("1.5")
"""An invocation of the sweeper that finds nothing, and what is logged of it. Assumed."""


@dataclass(frozen=True)
class Month:
    """A stage for a month. `calls` of `seconds` each, by the largest door; `parameters` of the template."""

    name: str
    calls: int = 0
    seconds: Decimal = Decimal("1.2")
    parameters: tuple[tuple[str, str], ...] = ()

    def needs(self) -> Needs:
        total: dict[str, Decimal] = {}
        firewall = dict(self.parameters).get("FirewallEnabled") == "true"
        seen = [("waf.requests", Decimal(self.calls))] if firewall else []
        for name, units in (*_standing(dict(self.parameters)), *_of_calls(self.calls, self.seconds), *seen):
            total[name] = total.get(name, Decimal(0)) + units
        return total

    def usd(self, *, listed: bool = False) -> Decimal:
        """A month in USD, after what AWS always gives for nothing, or as `listed`."""
        return sum((price(name, units, listed=listed) for name, units in self.needs().items()), Decimal(0))


def price(name: str, units: Decimal, *, listed: bool = False) -> Decimal:
    row = PRICES[name]
    paid: Decimal = units if listed else max(Decimal(0), units - row["free"])
    return paid * Decimal(row["usd"]) / Decimal(row["per"])


def _standing(parameters: Mapping[str, str]) -> Iterator[tuple[str, Decimal]]:
    """What is there while nobody asks."""
    template = _read("template.yaml")
    parameters = {**template.parameters, **parameters}
    identity, monitoring = _read("stacks/identity.yaml"), _read("stacks/monitoring.yaml")
    kinds = [each["Type"] for stack in (template, identity, monitoring) for each in stack.resources.values()]
    yield "kms.keys", Decimal(kinds.count("AWS::KMS::Key"))
    yield "cloudwatch.dashboards", Decimal(kinds.count("AWS::CloudWatch::Dashboard"))
    yield "cloudwatch.alarms", Decimal(sum(map(_watched, monitoring.of_type("AWS::CloudWatch::Alarm").values())))
    yield "cloudwatch.metrics", Decimal(2) * 2 / 24  # PriceAge and ModelsEnded exist in two hours of a day
    for rate, memory in _schedules(template):
        times = Decimal(HOURS * 60) / rate
        yield "lambda.requests", times
        yield "lambda.duration", times * memory / 1024 * SWEEP_MS / 1000
        yield "dynamodb.reads", times / 2
        yield "xray.traces", times
        yield "logs.ingested", times * SWEEP_LOG_KB / 1_000_000
    if parameters["FirewallEnabled"] == "true":
        rules = template.resources["Firewall"]["Properties"]["Rules"]
        yield "waf.acls", Decimal(1)
        yield "waf.rules", Decimal(len([rule for rule in rules if "Fn::If" not in rule]))
    if parameters["Detailed"] == "true":
        yield "cloudwatch.alarms", Decimal(3 * len(template.doors))
    ready = Decimal(parameters["ProvisionedConcurrency"])
    yield "lambda.provisioned", ready * template.doors["GatewayChat"].memory / 1024 * HOURS * 3600


@cache
def _read(name: str) -> Template:
    return Template(PROJECT.root / name)


def _watched(alarm: Mapping[str, Any]) -> int:
    """Metrics that an alarm is billed for."""
    return len([each for each in alarm["Properties"].get("Metrics", []) if "MetricStat" in each]) or 1


def _schedules(template: Template) -> Iterator[tuple[int, int]]:
    """(minutes between two invocations, memory in MB) of every door that a clock calls by default."""
    minutes = {"minute": 1, "hour": 60, "day": 1440}
    for name, resource in template.of_type("AWS::Serverless::Function").items():
        for event in resource["Properties"].get("Events", {}).values():
            if event["Type"] == "Schedule" and "State" not in event["Properties"]:
                told = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", event["Properties"]["Schedule"])
                assert told, f"a schedule that this page does not know: {name}"  # noqa: S101 - of our own template
                yield int(told[1]) * minutes[told[2]], template.doors[name].memory


def _of_calls(calls: int, seconds: Decimal) -> Iterator[tuple[str, Decimal]]:
    if not calls:
        return
    for name, (units, _) in CALL.items():
        yield name, calls * Decimal(units)
    memory = Decimal(_read("template.yaml").doors["GatewayChat"].memory) / 1024
    yield "lambda.duration", calls * (memory * seconds + BESIDE_GB_S)
    yield "cloudwatch.metrics", Decimal(MODELS * METRICS_A_MODEL)


IDLE = Month("idle")
DEV = Month("dev", calls=2_000)
PROD = Month("prod without WAF", calls=45_000, parameters=(("Stage", "prod"),))
WITH_WAF = Month("prod", calls=45_000, parameters=(("Stage", "prod"), ("FirewallEnabled", "true")))
MILLION = Month("a million calls of 1.2 s", calls=1_000_000)
LONG = Month("a million calls of 10 s", calls=1_000_000, seconds=Decimal(10))


def per_million(seconds: str) -> dict[str, Decimal]:
    """List price of each line of a million calls, without what is always free and without what stands."""
    total: dict[str, Decimal] = {}
    for name, units in _of_calls(1_000_000, Decimal(seconds)):
        if name != "cloudwatch.metrics":  # by models, not by calls
            total[name] = total.get(name, Decimal(0)) + price(name, units, listed=True)
    return total


def break_even(usd: Decimal) -> int:
    """Calls of 1.2 s in a month with which Drey costs as much."""
    low, high = 0, 100_000_000
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if Month("", calls=middle).usd() <= usd else (low, middle - 1)
    return low
