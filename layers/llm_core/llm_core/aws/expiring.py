"""Names that are kept alive for a while in a table whose key is `name`, such as the health table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import batched
from typing import Any

from llm_core.aws import clients
from llm_core.aws.table import Item, unavailable, unpacked

MOST_AT_ONCE = 100
"""Items of one BatchGetItem."""


def touch(table: str, name: str, *, now: int, until: int) -> bool:
    """Keep `name` alive until a time (epoch seconds); True if it was not alive before. Raises StoreUnavailable."""
    try:
        before = clients.dynamodb().update_item(
            TableName=table,
            Key={"name": {"S": name}},
            UpdateExpression="SET #ttl = :until",
            ExpressionAttributeNames={"#ttl": "ttl"},
            ExpressionAttributeValues={":until": {"N": str(until)}},
            ReturnValues="UPDATED_OLD",
        )
    except clients.FAILURES as error:
        raise unavailable(error) from error
    alive_until: int = unpacked(before.get("Attributes", {})).get("ttl", 0)
    return alive_until <= now


def alive(table: str, names: Sequence[str], *, now: int) -> set[str]:
    """Those of these names that `touch` keeps alive at a time (epoch seconds). Raises StoreUnavailable."""
    return {item["name"] for item in named(table, names) if item.get("ttl", 0) > now}


def named(table: str, names: Sequence[str]) -> list[Item]:
    """The items with these names, in any order; read once, and hurriedly. Raises StoreUnavailable."""
    items: list[Item] = []
    for some in batched(names, MOST_AT_ONCE, strict=False):
        keys: Any = [{"name": {"S": name}} for name in some]
        try:
            found = clients.hurried_dynamodb().batch_get_item(RequestItems={table: {"Keys": keys}})
        except clients.FAILURES as error:
            raise unavailable(error) from error
        items += map(unpacked, found["Responses"].get(table, []))
    return items


def forget(table: str, name: str) -> None:
    """End what `touch` keeps alive. Raises StoreUnavailable."""
    try:
        clients.dynamodb().delete_item(TableName=table, Key={"name": {"S": name}})
    except clients.FAILURES as error:
        raise unavailable(error) from error
