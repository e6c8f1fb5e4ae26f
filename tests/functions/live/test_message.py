"""WebSocket $default, when its connection closes in the middle of what it does."""

from __future__ import annotations

import json
import secrets
from types import SimpleNamespace
from typing import Any

import pytest

from live import connections, message, subscriptions
from live.subscriptions import Subscription
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.runs.run import Terms
from llm_core.runs.start import Order, written
from tests.conftest import Platform
from tests.functions.accounts.holder import someone
from tests.functions.live.post_office import PostOffice

CONTEXT: Any = SimpleNamespace(aws_request_id="one", get_remaining_time_in_millis=lambda: 20_000)


def test_nobody_watches_for_a_connection_that_closed_while_it_subscribed(
    inside: Platform, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, name = someone(inside), secrets.token_hex(6)
    caller = Caller(holder.key_id, holder.user, frozenset({"agent:run"}))
    run = written(caller, Order("research", {"topic": "a"}, Terms((), "tools", 10, 60)), Deadline.after(10))
    connections.open(name, holder.key_id)
    office.answers = {name: [200, 410]}
    add = subscriptions.add

    def add_late(wanted: Subscription, deadline: Deadline) -> None:
        connections.close(name)
        add(wanted, deadline)

    monkeypatch.setattr(subscriptions, "add", add_late)
    told = {"connectionId": name, "requestId": "r", "routeKey": "$default"}
    event = {"requestContext": told, "body": json.dumps({"action": "subscribe", "runId": run.id})}
    assert message.handler(event, CONTEXT) == {"statusCode": 200}
    assert subscriptions.of(run.id) == []
    assert subscriptions.lease(run.id, Deadline.after(10)) is not None, "and nobody was sent to look"
