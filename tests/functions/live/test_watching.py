"""The events of a run on their way to several who watch it, some of whom cannot be reached."""

from __future__ import annotations

import secrets
from threading import Thread

import pytest

from live import connections, subscriptions, watching
from live.subscriptions import Subscription
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.errors import Unauthorized
from llm_core.runs import ending
from llm_core.runs.change import Step, change
from llm_core.runs.events import Event
from llm_core.runs.run import Terms
from llm_core.runs.start import Order, written
from tests.conftest import Platform
from tests.functions.accounts.holder import someone
from tests.functions.live.post_office import PostOffice


def test_who_cannot_be_reached_is_in_nobodys_way_and_misses_nothing(inside: Platform, office: PostOffice) -> None:
    holder, soon = someone(inside), Deadline.after(30)
    caller = Caller(holder.key_id, holder.user, frozenset({"agent:run"}))
    run = written(caller, Order("research", {"topic": "a"}, Terms((), "tools", 10, 60)), soon)
    change(run.id, lambda now: Step(now, [Event("think"), Event("response")]), soon)
    well, slow, gone = (secrets.token_hex(6) for _ in range(3))
    office.answers = {slow: [500, 200, 500], gone: [410]}
    for name in (well, slow, gone):
        connections.open(name, holder.key_id)
        subscriptions.add(Subscription(run.id, name, holder.key_id, 0), soon)
    token = subscriptions.lease(run.id, soon)
    assert token is not None
    watcher = Thread(target=watching.watch, args=(run.id, token, soon))
    watcher.start()
    change(run.id, lambda now: ending.ended(now, "succeeded"), soon)
    watcher.join(20)
    assert not watcher.is_alive(), "it ends with the last who watches"
    assert [each["seq"] for each in office.arrived[well]] == [1, 2, 3]
    assert [each["seq"] for each in office.arrived[slow]] == [1, 2, 3]
    assert len(set(office.tried[slow])) == 3, "what is sent again is the same"
    assert len(office.tried[gone]) == 1
    with pytest.raises(Unauthorized):
        connections.key_of(gone)
    assert subscriptions.of(run.id) == []
    assert subscriptions.lease(run.id, soon) is not None, "and gives its lease back"
