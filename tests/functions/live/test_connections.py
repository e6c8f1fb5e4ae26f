"""What is kept of connections, on the tables of the running platform."""

from __future__ import annotations

import secrets

import pytest

from live import connections, subscriptions
from live.subscriptions import Subscription
from llm_core.aws import sockets
from llm_core.aws.sockets import Gone
from llm_core.deadline import Deadline
from llm_core.errors import Unauthorized
from tests.conftest import Platform


def test_a_connection_that_is_not_there_is_gone(inside: Platform) -> None:
    with pytest.raises(Gone):
        sockets.post("L0SM9cOFvHcCIhw=", b"{}")


def test_a_connection_that_closes_watches_nothing_any_more(inside: Platform) -> None:
    name, run_id = secrets.token_hex(8), f"run-{secrets.token_hex(8)}"
    connections.open(name, "sk-proj-000000000000")
    subscriptions.add(Subscription(run_id, name, "sk-proj-000000000000", 0), Deadline.after(10))
    assert [each.connection for each in subscriptions.of(run_id)] == [name]
    connections.close(name)
    assert subscriptions.of(run_id) == []
    with pytest.raises(Unauthorized):
        connections.key_of(name)


def test_one_at_a_time_sends_the_events_of_a_run(inside: Platform) -> None:
    run_id, deadline = f"run-{secrets.token_hex(8)}", Deadline.after(10)
    first = subscriptions.lease(run_id, deadline)
    assert first is not None
    assert subscriptions.lease(run_id, deadline) is None
    second = subscriptions.lease(run_id, deadline, after=first)
    assert second is not None
    assert subscriptions.lease(run_id, deadline, after=first) is None, "an invocation that comes twice does nothing"
    assert not subscriptions.renew(run_id, first, deadline)
    subscriptions.give_back(run_id, second, deadline)
    assert subscriptions.lease(run_id, deadline) is not None
