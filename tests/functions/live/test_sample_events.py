"""events/live/: sent for a connection that is open, each says on the socket what its name says."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from live import connect, connections, disconnect, message, tickets
from llm_core.aws import clients
from llm_core.aws.table import unpacked
from llm_core.errors import Unauthorized
from tests.conftest import ROOT, Platform
from tests.functions.accounts.holder import Holder, someone
from tests.wire.sockets import connected

CONTEXT: Any = SimpleNamespace(aws_request_id="one", get_remaining_time_in_millis=lambda: 20_000)
SAMPLE_CONNECTION, SAMPLE_TICKET = "L0SM9cOFvHcCIhw=", "A" * 43


def sample(case: str, **instead: str) -> dict[str, Any]:
    text = (ROOT / f"events/live/{case}.json").read_text()
    text = text.replace(SAMPLE_CONNECTION, instead.get("connection", SAMPLE_CONNECTION))
    event: dict[str, Any] = json.loads(text.replace(SAMPLE_TICKET, instead.get("ticket", SAMPLE_TICKET)))
    return event


def connection_of(holder: Holder) -> str:
    """The one that this key has open."""
    items = clients.dynamodb().scan(TableName=connections.live_table())["Items"]
    (found,) = [
        item for item in map(unpacked, items) if item.get("keyId") == holder.key_id and item["item"] == "connection"
    ]
    name: str = found["name"]
    return name


MESSAGES = [
    ("ping", ["pong"], None),
    ("subscribe", ["error"], 404),
    ("complete", ["ack", "delta", "usage", "done"], None),
    ("cancel", ["error"], 404),
    ("no_json", ["error"], 400),
]


def test_each_message_is_answered_on_the_socket(understudy: Platform, inside: Platform) -> None:
    ada = someone(understudy, limits={"month": 5})
    with connected(ada) as live:
        name = connection_of(ada)
        for case, types, status in MESSAGES:
            assert message.handler(sample(f"message-{case}", connection=name), CONTEXT) == {"statusCode": 200}
            heard = live.until(types[-1])
            assert [each["type"] for each in heard] == types, case
            assert heard[-1]["data"].get("statusCode") == status
        assert disconnect.handler(sample("disconnect-left", connection=name), CONTEXT) == {"statusCode": 200}
        with pytest.raises(Unauthorized):
            connections.key_of(name)


def test_a_ticket_opens_a_connection_and_then_it_is_used(inside: Platform) -> None:
    ada = someone(inside)
    made = tickets.make(ada.key_id)
    opened = [connect.handler(sample("connect-used_ticket", ticket=made), CONTEXT)["statusCode"] for _ in range(2)]
    assert opened == [200, 401]
    connections.close(SAMPLE_CONNECTION)
    assert connect.handler(sample("connect-no_ticket"), CONTEXT)["statusCode"] == 401
