"""What must happen once, however often it is asked for: claimed before, remembered after, in one item of a table.

A claim that nobody ends, because its process died, ends by itself. So what was begun is done after all: at worst
twice, never not at all.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from typing import Any

from llm_core.aws import clients, telemetry
from llm_core.aws.table import unavailable, unpacked
from llm_core.errors import DreyError


class Claimed(DreyError):
    """Somebody else is at it."""

    code = "claimed"
    retryable = True


def once(table: str, name: str, do: Callable[[], object], *, lease: float, lasts: int) -> bool:
    """Do it, unless it was done within the last `lasts` seconds; True if it was done now.

    What `do` raises ends the claim and leaves no memory. Raises Claimed while somebody else is at it, for at most
    their `lease` (seconds), and StoreUnavailable before anything was done.
    """
    token = secrets.token_hex(8)
    if not _claim(table, name, token, lease):
        return False
    try:
        do()
    except BaseException:
        _release(table, name, token)
        raise
    _remember(table, name, lasts)
    return True


def _claim(table: str, name: str, token: str, lease: float) -> bool:
    """True if it is ours, False if it was done."""
    now = time.time()
    try:
        clients.dynamodb().put_item(
            TableName=table,
            Item={"name": {"S": name}, "ttl": {"N": str(math.ceil(now + lease))}, "claim": {"S": token}},
            ConditionExpression="attribute_not_exists(#name) OR #ttl <= :now",
            ExpressionAttributeNames={"#name": "name", "#ttl": "ttl"},
            ExpressionAttributeValues={":now": {"N": str(int(now))}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except clients.dynamodb().exceptions.ConditionalCheckFailedException as error:
        found: Any = error.response.get("Item", {})
        claim = unpacked(found).get("claim")
        if claim is not None and claim != token:  # our own is a write whose answer was lost
            raise Claimed("Somebody else is at it. Ask again when they are done.") from error
        return claim == token
    except clients.FAILURES as error:
        raise unavailable(error) from error
    return True


def _release(table: str, name: str, token: str) -> None:
    """End our claim now rather than at its end; trouble in this must not hide why."""
    try:
        clients.dynamodb().update_item(
            TableName=table,
            Key={"name": {"S": name}},
            UpdateExpression="SET #ttl = :over",
            ConditionExpression="#claim = :ours",
            ExpressionAttributeNames={"#ttl": "ttl", "#claim": "claim"},
            ExpressionAttributeValues={":over": {"N": "0"}, ":ours": {"S": token}},
        )
    except clients.FAILURES:
        telemetry.logger.exception("claim not released", extra={"event": "claim_kept", "claim": name})


def _remember(table: str, name: str, lasts: int) -> None:
    """Trouble in this is only logged: it is done, and a failure would make somebody do it again."""
    try:
        item: Any = {"name": {"S": name}, "ttl": {"N": str(int(time.time()) + lasts)}}
        clients.dynamodb().put_item(TableName=table, Item=item)
    except clients.FAILURES:
        telemetry.logger.exception("not remembered as done", extra={"event": "memory_lost", "claim": name})
