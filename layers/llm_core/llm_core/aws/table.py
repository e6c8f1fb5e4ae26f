"""One DynamoDB table in plain Python values: str, int, bool, None, list, dict. Money never passes as a float."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from llm_core.aws import clients, dynamodb
from llm_core.errors import DreyError, StoreUnavailable

Item = dict[str, Any]

LONGEST_KEY = 1_024
"""Bytes of a text in a key; what is longer, or empty, is asked for by somebody who has no id of ours."""

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


class AlreadyThere(DreyError):
    """Another `item` with this key exists; nothing was written."""

    code = "already_there"

    def __init__(self, item: Item) -> None:
        super().__init__("An item with this key exists.")
        self.item = item


def get(table: str, key: Mapping[str, Any]) -> Item | None:
    """The item, read consistently; None too for a key that DynamoDB cannot have. Raises StoreUnavailable."""
    if not all(0 < len(value.encode()) <= LONGEST_KEY for value in key.values() if isinstance(value, str)):
        return None
    try:
        found = dynamodb.direct().get_item(TableName=table, Key=packed(key), ConsistentRead=True)
    except clients.FAILURES as error:
        raise unavailable(error) from error
    return unpacked(found["Item"]) if "Item" in found else None


def part(table: str, key: Mapping[str, Any], *path: str, consistent: bool = True) -> Any:
    """One value inside the item, such as an entry of a map; None where there is none. Raises StoreUnavailable.

    A read that need not be consistent costs half.
    """
    names = {f"#part{depth}": name for depth, name in enumerate(path)}
    try:
        found = dynamodb.direct().get_item(
            TableName=table,
            Key=packed(key),
            ConsistentRead=consistent,
            ProjectionExpression=".".join(names),
            ExpressionAttributeNames=names,
        )
    except clients.FAILURES as error:
        raise unavailable(error) from error
    value: Any = unpacked(found.get("Item", {}))
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def put_new(table: str, item: Mapping[str, Any], *, key: str) -> None:
    """Write an item that must not exist yet; `key` is an attribute of its key.

    Raises AlreadyThere or StoreUnavailable. A write whose answer was lost may be repeated by boto3 and then finds
    itself: the same item is not another's, so it counts as written.
    """
    try:
        dynamodb.direct().put_item(
            TableName=table,
            Item=packed(item),
            ConditionExpression="attribute_not_exists(#key)",
            ExpressionAttributeNames={"#key": key},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except clients.FAILURES as error:
        if not isinstance(error, ClientError) or error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise unavailable(error) from error
        written: Any = error.response.get("Item", {})
        found = unpacked(written)
        if found == dict(item):
            return
        raise AlreadyThere(found) from error


def listed(table: str, index: str, value: str) -> list[Any]:
    """The keys of the items whose attribute `index` has this value: a sparse index of keys only, a moment late.

    Raises StoreUnavailable.
    """
    pages = (
        clients.dynamodb()
        .get_paginator("query")
        .paginate(
            TableName=table,
            IndexName=index,
            KeyConditionExpression="#index = :value",
            ExpressionAttributeNames={"#index": index},
            ExpressionAttributeValues=packed({":value": value}),
        )
    )
    try:
        return [unpacked(item) for page in pages for item in page["Items"]]
    except clients.FAILURES as error:
        raise unavailable(error) from error


def query(
    table: str, partition: Mapping[str, Any], *, between: tuple[str, Any, Any], consistent: bool = True
) -> Iterator[Item]:
    """The items of one partition, in order; `between` is the sort key's name, first and last value, both included.

    Raises StoreUnavailable while it is read. A read that need not be consistent costs half.
    """
    ((name, value),) = partition.items()
    sort, first, last = between
    pages = (
        clients.dynamodb()
        .get_paginator("query")
        .paginate(
            TableName=table,
            KeyConditionExpression="#partition = :partition AND #sort BETWEEN :first AND :last",
            ExpressionAttributeNames={"#partition": name, "#sort": sort},
            ExpressionAttributeValues=packed({":partition": value, ":first": first, ":last": last}),
            ConsistentRead=consistent,
        )
    )
    try:
        for page in pages:
            yield from map(unpacked, page["Items"])
    except clients.FAILURES as error:
        raise unavailable(error) from error


def latest(
    table: str, index: str, partition: Mapping[str, Any], *, sort: str, before: str | None, limit: int
) -> list[Item]:
    """The last items of one partition of an index, in falling order, those whose sort key is smaller than `before`.

    Raises StoreUnavailable.
    """
    ((name, value),) = partition.items()
    condition, names, values = "#partition = :partition", {"#partition": name}, {":partition": value}
    if before is not None:
        condition, names["#sort"], values[":before"] = f"{condition} AND #sort < :before", sort, before
    try:
        found = clients.dynamodb().query(
            TableName=table,
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=packed(values),
            ScanIndexForward=False,
            Limit=limit,
        )
    except clients.FAILURES as error:
        raise unavailable(error) from error
    return [unpacked(item) for item in found["Items"]]


def following(table: str, index: str, partition: Mapping[str, Any], *, sort: str, first: str, limit: int) -> list[Item]:
    """The items of one partition of an index, in rising order, those whose sort key is not smaller than `first`.

    Raises StoreUnavailable.
    """
    ((name, value),) = partition.items()
    try:
        found = clients.dynamodb().query(
            TableName=table,
            IndexName=index,
            KeyConditionExpression="#partition = :partition AND #sort >= :first",
            ExpressionAttributeNames={"#partition": name, "#sort": sort},
            ExpressionAttributeValues=packed({":partition": value, ":first": first}),
            Limit=limit,
        )
    except clients.FAILURES as error:
        raise unavailable(error) from error
    return [unpacked(item) for item in found["Items"]]


def take(table: str, key: Mapping[str, Any]) -> Item | None:
    """Delete the item and give it to this one caller; None where there is none any more. Raises StoreUnavailable."""
    try:
        gone: Any = clients.dynamodb().delete_item(TableName=table, Key=packed(key), ReturnValues="ALL_OLD")
    except clients.FAILURES as error:
        raise unavailable(error) from error
    return unpacked(gone["Attributes"]) if "Attributes" in gone else None


def unavailable(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"The platform's tables cannot be reached ({type(error).__name__}). Try again shortly.")


def packed(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _serializer.serialize(value) for name, value in item.items()}


def unpacked(item: Mapping[str, Any]) -> Item:
    return {name: _whole(_deserializer.deserialize(value)) for name, value in item.items()}


def _whole(value: Any) -> Any:
    """Numbers come back as Decimal: whole ones become int again, at any depth."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    return value
