"""What DynamoDB does to requests that meet: transactions that overlap, tokens that return, items that are written too
often. The rules only, on one thread; `tests/races/dynamodb.py` serves them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Item = tuple[str, str]
"""A table, and the item's key as canonical JSON."""

SINGLE_WRITES = ("PutItem", "UpdateItem", "DeleteItem")
READS = ("GetItem", "BatchGetItem", "Query", "Scan", "DescribeTable", "DescribeTimeToLive")


class Refused(Exception):
    """An answer with an error: status 400, as DynamoDB tells it."""

    def __init__(self, code: str, message: str = "", **more: Any) -> None:
        super().__init__(message)
        self.code = code
        self.body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message, **more}

    @classmethod
    def by(cls, told: dict[str, Any]) -> Refused:
        """As the emulator told it."""
        refused = cls(told["__type"].rpartition("#")[2])
        refused.body = told
        return refused


@dataclass(frozen=True, slots=True)
class Touched:
    """The items that a request writes, or checks in a transaction, in its order; none for a read."""

    items: Sequence[Item] = ()
    transaction: bool = False
    token: str | None = None


def touched(operation: str, asked: dict[str, Any], keys: dict[str, list[str]]) -> Touched:
    """`keys` are the names of the key attributes of each table."""
    if operation == "TransactWriteItems":
        steps = [next(iter(step.values())) for step in asked["TransactItems"]]
        return Touched([_item(step, keys) for step in steps], True, asked.get("ClientRequestToken"))
    return Touched([_item(asked, keys)] if operation in SINGLE_WRITES else [])


def tables(operation: str, asked: dict[str, Any]) -> set[str]:
    """The tables whose keys must be known before `touched`."""
    if operation == "TransactWriteItems":
        return {step["Put"]["TableName"] for step in asked["TransactItems"] if "Put" in step}
    return {asked["TableName"]} if operation == "PutItem" else set()


def _item(step: dict[str, Any], keys: dict[str, list[str]]) -> Item:
    table = step["TableName"]
    key = step["Key"] if "Key" in step else {name: step["Item"][name] for name in keys[table]}
    return table, json.dumps(key, sort_keys=True)


@dataclass
class Traffic:
    """What is on its way, and how much each item has taken lately."""

    transacting: Counter[Item] = field(default_factory=Counter)
    writing: Counter[Item] = field(default_factory=Counter)
    tokens: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    units: dict[Item, float] = field(default_factory=dict)
    taken: dict[Item, tuple[float, float]] = field(default_factory=dict)
    counted: Counter[Item] = field(default_factory=Counter)

    @contextmanager
    def passage(self, what: Touched) -> Iterator[None]:
        """The request is under way inside. Raises Refused when it meets another that DynamoDB would not let it pass.

        A transaction gives way to whatever is under way on any of its items, a plain write only to transactions.
        """
        if what.token in self.done:  # answered from memory, it touches nothing any more
            yield
            return
        self._refuse_meeting(what)
        under_way = self.transacting if what.transaction else self.writing
        under_way.update(what.items)
        tokens = {what.token} if what.token else set()
        self.tokens |= tokens
        try:
            yield
            self.done |= tokens
        finally:
            under_way.subtract(what.items)
            self.tokens -= tokens

    def _refuse_meeting(self, what: Touched) -> None:
        if what.token in self.tokens:
            raise Refused("TransactionInProgressException", "The transaction with the given token is in progress.")
        if not what.transaction:
            if any(self.transacting[item] for item in what.items):
                raise Refused("TransactionConflictException", "Transaction is ongoing for the item")
            return
        met = [bool(self.transacting[item] or self.writing[item]) for item in what.items]
        if any(met):
            ongoing = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
            codes = ", ".join("TransactionConflict" if hit else "None" for hit in met)
            raise Refused(
                "TransactionCanceledException",
                f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
                CancellationReasons=[ongoing if hit else {"Code": "None"} for hit in met],
            )

    def take(self, what: Touched, now: float, most: float) -> None:
        """Count the write units of each item. Raises Refused when one has had its `most` of this second.

        What an item takes is what it took the last time: DynamoDB charges by its size, which a request does not tell.
        A write costs one unit a KB, in a transaction twice that; one whose condition fails costs the same.
        """
        double = 2 if what.transaction else 1
        needs = {item: self.units.get(item, 1.0) * double for item in what.items}
        left = {item: self._left(item, now, most) for item in needs}
        if any(left[item] < needs[item] for item in needs):
            message = "The level of configured provisioned throughput for the table was exceeded."
            raise Refused("ProvisionedThroughputExceededException", message)
        for item, need in needs.items():
            self.taken[item] = (left[item] - need, now)
            self.counted[item] += round(need)

    def _left(self, item: Item, now: float, most: float) -> float:
        left, then = self.taken.get(item, (most, now))
        return min(most, left + (now - then) * most)

    def weigh(self, what: Touched, answer: dict[str, Any]) -> None:
        """Learn from the answer to a single write how many units its item takes."""
        consumed = answer.get("ConsumedCapacity")
        if not what.transaction and isinstance(consumed, dict):
            self.units[what.items[0]] = consumed["Table"]["CapacityUnits"]
