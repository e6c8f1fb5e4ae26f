"""A batch of a DynamoDB stream: what was written, and which of it could not be dealt with.

A record that fails for good is reported by its number: Lambda delivers it again, without those before it, until the
mapping's retries are used up, and then tells the failure destination. Trouble that passes is raised: all come again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llm_core.aws.table import Item, unpacked


def written(event: Mapping[str, Any]) -> Iterator[tuple[str, Item]]:
    """Number and new image of every item that was written, in order. What was removed is passed over."""
    for record in event["Records"]:
        change = record["dynamodb"]
        if "NewImage" in change:
            yield change["SequenceNumber"], unpacked(change["NewImage"])


def changed(event: Mapping[str, Any]) -> Iterator[tuple[str, Item, Item]]:
    """The same with the image before it: number, old ({} for a new item) and new, in order."""
    for record in event["Records"]:
        change = record["dynamodb"]
        if "NewImage" in change:
            yield change["SequenceNumber"], unpacked(change.get("OldImage", {})), unpacked(change["NewImage"])


def answer(failed: Sequence[str]) -> dict[str, Any]:
    """What the handler returns, with the numbers of the records that failed."""
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
