"""Conditional writes to DynamoDB, one or several at once, repeated while they only collide with others.

DynamoDB cancels a write that overlaps a transaction on the same item (TransactionConflict), or throttles it: nothing
was written, and it is sent again, with full jitter, until the deadline. A write whose answer was lost may have been
carried out, and what was given up may still be carried out later: only a write that bears that is sent again.
"""

from __future__ import annotations

import random
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from llm_core.aws import clients, dynamodb
from llm_core.aws.table import Item, packed, unavailable, unpacked
from llm_core.deadline import Deadline
from llm_core.errors import DreyError, StoreUnavailable

_FIRST_PAUSE = 0.01
_AFTER_A_LOSS = 0.3
_LONGEST_PAUSE = 0.5
"""Seconds. An overlapping transaction lasts some milliseconds, throttling and a lost connection longer."""

_NAMED = re.compile(r"#(\w+)")

_PASSING = {
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
}
_PASSING_REASONS = {"None", "ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}


class ConditionFailed(DreyError):
    """Nothing was written. `items` are the items whose conditions failed, as they stand; None for a missing one."""

    code = "condition_failed"

    def __init__(self, items: Sequence[Item | None]) -> None:
        super().__init__("The item is not as expected.")
        self.items = tuple(items)

    @property
    def item(self) -> Item | None:
        """The item of a single write."""
        return self.items[0]


@dataclass(frozen=True, slots=True)
class Write:
    """One conditional step on one item: an update (`change`), a whole new `item`, its end (`delete`, only together with
    others), or only a look (`condition`).

    Attributes stand as `#name` in the expressions, so that none can be one of DynamoDB's 573 reserved words; `names`
    has those that stand for another name than their own.
    """

    table: str
    key: Mapping[str, Any]
    change: str = ""
    condition: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    item: Mapping[str, Any] | None = None
    delete: bool = False

    @property
    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"TableName": self.table}
        if self.condition:
            options |= {"ConditionExpression": self.condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        if self.values:
            options["ExpressionAttributeValues"] = packed(self.values)
        if used := _NAMED.findall(f"{self.change} {self.condition}"):
            options["ExpressionAttributeNames"] = {f"#{name}": self.names.get(f"#{name}", name) for name in used}
        return options

    @property
    def single(self) -> dict[str, Any]:
        """As the arguments of `update_item`."""
        return {**self._options, "Key": packed(self.key), "UpdateExpression": self.change, "ReturnValues": "ALL_NEW"}

    @property
    def joint(self) -> dict[str, Any]:
        """As one item of a transaction."""
        if self.item is not None:
            return {"Put": {**self._options, "Item": packed(self.item)}}
        if self.delete:
            return {"Delete": {**self._options, "Key": packed(self.key)}}
        if not self.change:
            return {"ConditionCheck": {**self._options, "Key": packed(self.key)}}
        return {"Update": {**self._options, "Key": packed(self.key), "UpdateExpression": self.change}}


def new(table: str, item: Mapping[str, Any], *, key: str) -> Write:
    """An item that must not exist yet; `key` is an attribute of its key."""
    return Write(table, {key: item[key]}, condition=f"attribute_not_exists(#{key})", item=item)


_LOST = 2
"""How often a write is sent again whose answer was lost."""


def update(write: Write, deadline: Deadline, *, again: bool = True) -> Item:
    """The item after the update. Raises ConditionFailed, with the item, or StoreUnavailable.

    `again`: it may be sent again when its answer was lost, and then fail by its own doing: the caller knows its traces.
    """
    try:
        done = _repeated(lambda: dynamodb.direct_once().update_item(**write.single), deadline, _LOST if again else 0)
    except ClientError as error:
        found: Any = error.response.get("Item")
        raise ConditionFailed([unpacked(found) if found else None]) from error
    return unpacked(done["Attributes"])


def together(writes: Sequence[Write], deadline: Deadline) -> None:
    """All of them or none. Raises ConditionFailed with an entry per failed condition, or StoreUnavailable."""
    items: Any = [write.joint for write in writes]
    token = secrets.token_hex(16)  # by which DynamoDB knows it again

    def write() -> Any:
        return clients.dynamodb_once().transact_write_items(TransactItems=items, ClientRequestToken=token)

    try:
        _repeated(write, deadline, _LOST)
    except ClientError as error:
        reasons: Any = error.response.get("CancellationReasons", [])
        failed = [reason.get("Item") for reason in reasons if reason.get("Code") == "ConditionalCheckFailed"]
        raise ConditionFailed([unpacked(item) if item else None for item in failed]) from error


def _repeated(write: Callable[[], Any], deadline: Deadline, lost: int) -> Any:
    """Raises ClientError for a condition that failed, StoreUnavailable."""
    pause = _FIRST_PAUSE
    while True:
        try:
            return write()
        except clients.FAILURES as error:
            if isinstance(error, ClientError) and _is_condition(error):
                raise
            if not (isinstance(error, ClientError) and _is_passing(error)):
                if not lost or _is_refusal(error):
                    raise unavailable(error) from error
                lost, pause = lost - 1, max(pause, _AFTER_A_LOSS)
            wait = random.uniform(0, pause)  # noqa: S311 - no secret depends on it
            if deadline.left <= wait:
                busy = StoreUnavailable("The platform's tables are busy. Try again shortly.")
                busy.retry_after_s = 1
                raise busy from error
            time.sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE)


def _is_refusal(error: Exception) -> bool:
    """A 4xx that will be one again."""
    return isinstance(error, ClientError) and error.response["ResponseMetadata"].get("HTTPStatusCode", 500) < 500


def _reasons(error: ClientError) -> set[str]:
    reasons: Any = error.response.get("CancellationReasons", [])
    return {reason.get("Code", "None") for reason in reasons}


def _is_condition(error: ClientError) -> bool:
    code = error.response["Error"]["Code"]
    return code == "ConditionalCheckFailedException" or (
        code == "TransactionCanceledException" and "ConditionalCheckFailed" in _reasons(error)
    )


def _is_passing(error: ClientError) -> bool:
    code = error.response["Error"]["Code"]
    if code == "TransactionCanceledException":
        return _reasons(error) <= _PASSING_REASONS
    return code in _PASSING
