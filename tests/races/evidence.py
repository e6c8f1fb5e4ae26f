"""What is left of a race when it is over, each from its own source: the journal, every version of every window, the
usage rows, and the account of the understudy, which sold the answers.
"""

from __future__ import annotations

import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from boto3.dynamodb.types import TypeDeserializer

from local.emulator import client
from tests.conftest import Platform

Item = dict[str, Any]
WORD = re.compile(r"race\w+?end")
_read = TypeDeserializer().deserialize


@dataclass(frozen=True)
class Change:
    """One item of the budgets table before and after one write; None for none."""

    before: Item | None
    after: Item | None

    @property
    def account(self) -> str:
        item = self.after or self.before or {}
        return str(item.get("account", item.get("userId")))


@dataclass
class Evidence:
    """`history` has all changes of the race's windows and accounts in their order; `sold` the sales by word."""

    journal: list[Item] = field(default_factory=list)
    history: list[Change] = field(default_factory=list)
    rows: list[Item] = field(default_factory=list)
    sold: dict[str, list[Item]] = field(default_factory=dict)

    def keep(self, folder: Path) -> None:
        """For whoever wants to know how it came to that."""
        changes = [[change.before, change.after] for change in self.history]
        for name, lines in (("changes", changes), ("rows", self.rows)):
            (folder / f"{name}.jsonl").write_text("".join(json.dumps(line, default=str) + "\n" for line in lines))


class Witness:
    """Watches from outside, on the emulator itself: neither the callers' clock nor their faults concern it."""

    def __init__(self, platform: Platform, model: str) -> None:
        self.platform, self.model = platform, model
        self.aws = platform.environment["AWS_ENDPOINT_URL"]
        self.table = platform.environment["BUDGETS_TABLE_NAME"]
        self._streams = client("dynamodbstreams", self.aws)
        self._from = list(self._iterators())
        self._words: dict[int, str] = {}
        self._over = threading.Event()
        self._listening = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._listening.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._listening.join()

    def _iterators(self) -> Iterator[str]:
        """The places in the table's stream from which all that comes is of this race."""
        described = client("dynamodb", self.aws).describe_table(TableName=self.table)
        arn = described["Table"]["LatestStreamArn"]
        for shard in self._streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            asked = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "LATEST"}
            yield self._streams.get_shard_iterator(**asked)["ShardIterator"]

    def _listen(self) -> None:
        """Which request carried which word: the understudy keeps only the last thousand."""
        while not self._over.wait(1):
            self._note()

    def _note(self) -> None:
        for asked in self.platform.asked(300):
            if asked["model"] == self.model and (found := WORD.search(asked["body"] or "")):
                self._words[asked["seq"]] = found[0]

    def sold(self) -> dict[str, list[Item]]:
        self._note()
        sales: dict[str, list[Item]] = defaultdict(list)
        for sale in self.platform.sold():
            if sale["model"] == self.model and sale["sold"]:
                sales[self._words.get(sale["seq"], "unknown")].append(sale)
        return dict(sales)

    def history(self) -> list[Change]:
        changes: list[Change] = []
        for begin in self._from:
            place: str | None = begin
            while place:
                page = self._streams.get_records(ShardIterator=place)
                images = [record["dynamodb"] for record in page["Records"]]
                changes += [Change(_item(image.get("OldImage")), _item(image.get("NewImage"))) for image in images]
                place = page.get("NextShardIterator") if page["Records"] else None
        return changes

    def rows(self, user: str) -> list[Item]:
        pages = (
            client("dynamodb", self.aws)
            .get_paginator("query")
            .paginate(
                TableName=self.platform.environment["USAGE_TABLE_NAME"],
                KeyConditionExpression="userId = :user",
                ExpressionAttributeValues={":user": {"S": user}},
                ConsistentRead=True,
            )
        )
        return [row for page in pages for item in page["Items"] if (row := _item(item)) is not None]


def _item(image: Item | None) -> Item | None:
    """Plain values; whole numbers as int."""
    return {name: _plain(_read(value)) for name, value in image.items()} if image else None


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case _ if hasattr(value, "to_integral_value") and value == value.to_integral_value():
            return int(value)
        case _:
            return value
