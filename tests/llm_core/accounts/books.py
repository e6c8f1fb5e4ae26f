"""Accounts and usage rows in tables of a test's own, on the emulator: the platform's sweeper does not look here.

Every look at a window checks its sums.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from llm_core import ledger
from llm_core.accounts import holds, tree
from llm_core.accounts.admission import Rates, Wanted
from llm_core.accounts.holds import Hold
from llm_core.accounts.tree import Account
from llm_core.accounts.window import Kind, Window
from llm_core.aws import clients, table
from llm_core.aws.table import Item
from llm_core.aws.writes import together
from llm_core.deadline import Deadline
from llm_core.ledger import Row
from llm_core.messages import Usage
from local.template import Template
from tests.conftest import ROOT

NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC).timestamp()
MONTH, DAY = "2026-11", "2026-11-21"
LEASE = int(NOW) + 85
USER = "ada"
KIND = "chat anthropic/claude-haiku-4-5"


@dataclass(frozen=True)
class Standing:
    """A window, all its shards together, in nano-USD."""

    limit: int
    remaining: int
    held: int
    spent: int
    overrun: int
    holds: int


def soon(seconds: float = 5) -> Deadline:
    return Deadline.after(seconds)


def wanted(amount: int, call_id: str = "", *, now: float = NOW, lease: int = LEASE) -> Wanted:
    return Wanted(call_id or ledger.new_id(), amount, USER, lease, now)


def take(account: str, amount: int, call_id: str = "", *, rates: Rates = Rates(), **when: Any) -> Hold:  # noqa: B008 - frozen
    """A call of this account that may cost so much is admitted."""
    return holds.take(account, wanted(amount, call_id, **when), rates, KIND, soon())


def record(hold: Hold, charged: int, *, attempt: int = 1, outcome: str = "ok") -> Row:
    """The caller writes an attempt's row."""
    row = Row(
        hold.call_id, hold.user, "sk-proj-booksbooks12", "chat", "m", "anthropic", "claude-haiku-4-5", attempt, False,
        outcome, Usage(), charged, charged, False, "v", 1,
    )  # fmt: skip
    ledger.record(row)
    return row


@dataclass
class Books:
    """`budgets` and `usage` are the names of the tables."""

    budgets: str
    usage: str
    labels: dict[str, set[str]] = field(default_factory=dict)

    def open(self, name: str, parent: str | None = None, *, shards: int = 1, **limits: int) -> str:
        """An account with these limits: nano-USD per kind."""
        kinds: dict[Kind, int] = {kind: limits[kind] for kind in tree.KINDS if kind in limits}
        together(tree.opening(Account(name, parent, kinds, shards)), soon())
        return name

    def standing(self, account: str, label: str = MONTH) -> Standing:
        """As the window stands now; its sums are checked."""
        sums = dict.fromkeys(("limit", "remaining", "held", "spent", "overrun"), 0)
        count = 0
        for item in self.shards(account, label):
            sound(item)
            count += len(item["holds"])
            for name in sums:
                sums[name] += item[name]
        return Standing(**sums, holds=count)

    def shards(self, account: str, label: str = MONTH) -> list[Item]:
        found = [Window(account, label, shard).read() for shard in range(tree.find(account).shards)]
        return [item for item in found if item is not None]

    def windows(self) -> Iterator[Item]:
        """All there are, of all accounts."""
        for page in clients.dynamodb().get_paginator("scan").paginate(TableName=self.budgets, ConsistentRead=True):
            yield from (item for item in map(table.unpacked, page["Items"]) if "window" in item)

    def rows(self) -> list[Item]:
        """All there are, oldest call first."""
        pages = clients.dynamodb().get_paginator("scan").paginate(TableName=self.usage, ConsistentRead=True)
        found = [table.unpacked(item) for page in pages for item in page["Items"]]
        return sorted(found, key=lambda row: row["timestamp"])

    @property
    def charged(self) -> int:
        """What the rows say, all together."""
        return sum(row["charged"] for row in self.rows())


def sound(item: Item) -> None:
    """What holds of every window at every instant."""
    assert item["limit"] == item["remaining"] + item["held"] + item["spent"], item
    assert item["held"] == sum(entry["e"] for entry in item["holds"].values()), item
    assert item["held"] >= 0, item


def opened() -> Books:
    """Tables with the keys and indexes that template.yaml declares."""
    resources = Template(ROOT / "template.yaml").document["Resources"]
    names = {}
    for declared in ("BudgetsTable", "UsageTable"):
        names[declared] = f"{declared}-{uuid4().hex[:12]}"
        kept = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
        properties = {key: value for key, value in resources[declared]["Properties"].items() if key in kept}
        clients.dynamodb().create_table(TableName=names[declared], **properties)
    return Books(names["BudgetsTable"], names["UsageTable"])


@dataclass
class Clock:
    """In the place of a room's `time`: a clock that a test sets."""

    now: float = NOW

    def time(self) -> float:
        return self.now


def fate(pattern: str) -> dict[str, Any]:
    """Faults of the stand-in for DynamoDB (tests/races/dynamodb.py) by which these requests lose their answers:
    `x.x` is the first and the third; what comes after is left to chance.
    """
    for seed in range(100_000):
        draw = random.Random(seed)
        if all((draw.random() < 0.5) == (sign == "x") for sign in pattern):
            return {"lost": 0.5, "seed": seed}
    raise AssertionError(f"no seed for {pattern}")
