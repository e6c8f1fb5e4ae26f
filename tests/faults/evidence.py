"""What is left of the cases when all are over, each from its own source: the usage rows, the windows of the keys, the
log, and the account of the understudy, which sold the answers.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llm_core.aws import clients
from tests.conftest import Platform
from tests.faults.wall import Case

Item = dict[str, Any]

SETTLES_WITHIN_S = 20.0
"""After the last case. A caller that left is settled within its model's limits."""


@dataclass
class Evidence:
    """Of one case: `rows` in the order of attempts, `sold` in the order in which the understudy was asked."""

    rows: list[Item] = field(default_factory=list)
    sold: list[Item] = field(default_factory=list)
    lines: list[Item] = field(default_factory=list)


@dataclass(frozen=True)
class Windows:
    """What a failure's key has held and spent, nano-USD: all its cases pay from one account."""

    held: Mapping[str, int]
    spent: Mapping[str, int]


def settled(platform: Platform, keys: Sequence[str]) -> Windows:
    """The windows once nothing is held and nobody is answered any more, or as they are when that takes too long."""
    until = time.monotonic() + SETTLES_WITHIN_S
    while True:
        windows = _windows(platform, keys)
        still = any(windows.held.values()) or any(sale["open"] for sale in platform.sold())
        if not still or time.monotonic() > until:
            return windows
        time.sleep(0.2)


def gathered(platform: Platform, cases: Sequence[Case]) -> dict[str, Evidence]:
    """By the cases' models."""
    found = {case.model: Evidence() for case in cases}
    for row in sorted(_scanned(platform.environment["USAGE_TABLE_NAME"]), key=lambda row: row["timestamp"]):
        if row.get("requestedModel") in found:
            found[row["requestedModel"]].rows.append(row)
    for sale in sorted(platform.sold(), key=lambda sale: int(sale["seq"])):
        model = sale["model"].rpartition(".")[2]
        if model in found:
            found[model].sold.append(sale)
    for line in map(json.loads, platform.logs.read_text().splitlines()):
        model = line.get("gen_ai.request.model")
        if line.get("event") == "llm_call" and model in found:
            found[model].lines.append(line)
    return found


def _windows(platform: Platform, keys: Sequence[str]) -> Windows:
    held, spent = dict.fromkeys(keys, 0), dict.fromkeys(keys, 0)
    by_account: dict[str, list[Item]] = defaultdict(list)
    for item in _scanned(platform.environment["BUDGETS_TABLE_NAME"]):
        by_account[item.get("account", "")].append(item)
    for key in keys:
        for item in by_account[f"key:{key}"]:
            if "held" in item:
                held[key] += int(item["held"])
                spent[key] += int(item["spent"])
    return Windows(held, spent)


def _scanned(table: str) -> list[Item]:
    from boto3.dynamodb.types import TypeDeserializer

    read = TypeDeserializer().deserialize
    items: list[Item] = []
    page: dict[str, Any] = {}
    while not page or "LastEvaluatedKey" in page:
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if page else {}
        page = dict(clients.dynamodb().scan(TableName=table, ConsistentRead=True, **more))
        items += [{name: read(value) for name, value in item.items()} for item in page["Items"]]
    return items
