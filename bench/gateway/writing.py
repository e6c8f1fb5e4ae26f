"""CPU of one conditional write, by boto3's client and by the short way beside it, in turns in this process."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

TURNS, CALLS = 12, 60
KEY = {"userId": {"S": "bench:writes"}}
WRITE: dict[str, Any] = {
    "Key": KEY,
    "UpdateExpression": "SET #remaining = :remaining, #holds.#id = :entry",
    "ConditionExpression": "attribute_not_exists(#holds.#id) OR #remaining >= :amount",
    "ExpressionAttributeNames": {"#remaining": "remaining", "#holds": "holds", "#id": "gen-" + "0" * 27},
    "ExpressionAttributeValues": {
        ":remaining": {"N": "1000000000000"},
        ":amount": {"N": "1765620"},
        ":entry": {"M": {"e": {"N": "1765620"}, "l": {"N": "1795826000"}, "u": {"S": "bench"}}},
    },
    "ReturnValues": "ALL_NEW",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}


def measured(doors: Mapping[str, str]) -> dict[str, float]:
    """Milliseconds of the smallest of the turns, by each way. `doors`: the environment of the doors."""
    os.environ |= doors
    clients: Any = importlib.import_module("llm_core.aws.clients")
    dynamodb: Any = importlib.import_module("llm_core.aws.dynamodb")
    table = doors["BUDGETS_TABLE_NAME"]
    clients._clients.clear()
    clients.dynamodb_once().put_item(TableName=table, Item={**KEY, "remaining": {"N": "2000000"}, "holds": {"M": {}}})
    ways: dict[str, Callable[[], Any]] = {
        "boto3": lambda: clients.dynamodb_once().update_item(TableName=table, **WRITE),
        "the short way": lambda: dynamodb.direct_once().update_item(TableName=table, **WRITE),
    }
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(TURNS):
        for name, write in ways.items():
            began = time.process_time()
            for _ in range(CALLS):
                write()
            least[name] = min(least[name], (time.process_time() - began) / CALLS * 1000)
    return least
