"""The events of one run on their way to every connection that watches it, while there is one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pydantic import BaseModel, ConfigDict

from live import connections, frames, steps, subscriptions
from live.subscriptions import LEASE_SECONDS, Subscription
from llm_core import callers
from llm_core.aws import functions, sockets, telemetry
from llm_core.aws.sockets import Gone, NotSent
from llm_core.deadline import Deadline
from llm_core.errors import NotAllowed, StoreUnavailable, Unauthorized
from llm_core.runs import ending, events
from llm_core.runs import run as stored
from llm_core.runs.events import Event
from llm_core.settings import settings


class Asked(BaseModel):
    """What the message door hands over, and one watcher to the next: `token` is of whom it follows."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    source: str
    runId: str  # noqa: N815 - as everywhere on the wire
    token: str


LOOK_S = 0.2
"""Between two looks: a query for the events, one for who watches."""

_RENEW_S = LEASE_SECONDS / 3
_LOOK_AT_RUN_S = 10.0
_AT_ONCE = 16


def watch(run_id: str, after: str, deadline: Deadline) -> None:
    """Until nobody watches, the run has ended, or it is time to hand over to another invocation.

    `after`: the token of who began or handed over. Raises StoreUnavailable: the invocation is then repeated.
    """
    token = subscriptions.lease(run_id, deadline, after=after)
    renewed, looked, over = time.monotonic(), -_LOOK_AT_RUN_S, False
    with ThreadPoolExecutor(_AT_ONCE, "watch") as pool:
        while token is not None:
            now = time.monotonic()
            if now - renewed > _RENEW_S:
                renewed = now
                if not subscriptions.renew(run_id, token, deadline):
                    return
            found = subscriptions.of(run_id)
            if not found:
                subscriptions.give_back(run_id, token, deadline)
                token = subscriptions.lease(run_id, deadline) if subscriptions.of(run_id) else None
                continue
            if now - looked > _LOOK_AT_RUN_S:  # it may be lost, and would never end by itself
                looked = now
                over = ending.looked_at(stored.find(run_id), deadline).over
            told = events.after(run_id, min(each.seen for each in found))
            list(pool.map(lambda each: _serve(each, told, over, deadline), found))  # noqa: B023 - over before the next
            if deadline.left < _RENEW_S:
                event = {"source": "drey.live", "runId": run_id, "token": token}
                functions.begin(settings().need("live_watch_function"), event)
                return
            time.sleep(LOOK_S)


def _serve(subscription: Subscription, told: Sequence[Event], over: bool, deadline: Deadline) -> None:
    """Whatever goes wrong with one connection is not in the others' way, and never in the run's."""
    new = [event for event in told if event.seq > subscription.seen]
    try:
        if new:
            _send(subscription, new, deadline)
        elif over:  # it has seen the last one
            subscriptions.remove(subscription)
    except Gone:
        connections.close(subscription.connection)
    except (NotSent, StoreUnavailable):  # again at the next look
        telemetry.logger.warning("events not sent", exc_info=True, extra={"event": "socket_slow"})


def _send(subscription: Subscription, new: Sequence[Event], deadline: Deadline) -> None:
    try:
        callers.vouched(subscription.key_id).require("agent:run")
    except (Unauthorized, NotAllowed) as error:  # the key was revoked meanwhile
        subscriptions.remove(subscription)
        sockets.post(subscription.connection, frames.error(error, {"runId": subscription.run_id}, "unknown"))
        return
    seen = subscription.seen
    try:
        for event in new:
            sockets.post(subscription.connection, steps.step(subscription.run_id, event))
            seen = event.seq
    finally:
        if seen > subscription.seen:
            subscriptions.moved(subscription, seen, deadline)
    if new[-1].type == "done":
        subscriptions.remove(subscription)
