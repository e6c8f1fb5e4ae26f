"""What a paid call asks of the tables, counted at the door: its hold, its row, its settle, and nothing else."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

import pytest

from gateway import chat
from llm_core import keys
from llm_core.accounts import tree
from llm_core.accounts.tree import Account
from llm_core.accounts.window import Kind
from llm_core.aws import clients
from llm_core.aws.writes import together
from llm_core.deadline import Deadline
from local.door import Context
from tests.conftest import ROOT, Platform

CENT = 10_000_000
EVENT = json.loads((ROOT / "events/gateway/chat-hello.json").read_text())

HOLD, ROW, SETTLE = ("UpdateItem", "budgets"), ("PutItem", "usage"), ("UpdateItem", "budgets")


def api_key(limits: dict[Kind, int], parent: str | None = None) -> str:
    terms = keys.Terms({"ai:complete"}, limits=limits)
    return keys.create("k", user_id=f"user-{uuid4().hex[:8]}", terms=terms, parent=parent).api_key


def team() -> str:
    name = f"team:{uuid4().hex[:8]}"
    together(tree.opening(Account(name, None, {"month": 100 * CENT})), Deadline.after(5))
    return name


def ask(key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    many = {**EVENT["multiValueHeaders"], "Authorization": [f"Bearer {key}"]}
    event = {**EVENT, "headers": {**EVENT["headers"], **headers}, "multiValueHeaders": many}
    assert chat.handler(event, Context("GatewayChat", 1024, time.monotonic() + 20))["statusCode"] == 200


def trips(key: str, tables: dict[str, str]) -> list[tuple[str, str]]:
    """What boto3 sent for one call, in an environment that has served this key before: operation and table."""
    ask(key)
    sent: list[tuple[str, str]] = []

    def note(model: Any, params: Any, **_: Any) -> None:
        sent.append((model.name, tables[json.loads(params["body"])["TableName"]]))

    every = [client().meta.events for client in (clients.dynamodb, clients.dynamodb_once, clients.hurried_dynamodb)]
    for events in every:
        events.register("before-call.dynamodb", note)
    ask(key)
    for events in every:
        events.unregister("before-call.dynamodb", note)
    return sent


@pytest.fixture
def tables(inside: Platform) -> dict[str, str]:
    names = inside.environment.items()
    return {table: name.removesuffix("_TABLE_NAME").lower() for name, table in names if name.endswith("_TABLE_NAME")}


def test_a_key_with_a_limit_takes_three_round_trips(tables: dict[str, str]) -> None:
    assert trips(api_key({"month": 100 * CENT}), tables) == [HOLD, ROW, SETTLE]


def test_a_limited_account_above_the_key_takes_two_more(tables: dict[str, str]) -> None:
    assert trips(api_key({"month": 50 * CENT}, team()), tables) == [HOLD, HOLD, ROW, SETTLE, SETTLE]
