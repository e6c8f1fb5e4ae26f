"""Who watches which run, what each has seen, and which one invocation sends the events of a run.

One watcher sends to all connections of a run, so that everybody sees one order. It holds a lease, which it renews; a
subscription is written before somebody looks for the lease, and the lease is given back before the last look for
subscriptions: so one of the two always sees the other.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from live.connections import KEPT_SECONDS, RUN, live_table
from llm_core.aws import table
from llm_core.aws.writes import ConditionFailed, Write, update
from llm_core.deadline import Deadline

LEASE_SECONDS = 15

_WATCHER = "watcher"
_ANY_RUN = (f"{RUN} ", f"{RUN}~")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A connection that watches a run, and the last event that was sent to it."""

    run_id: str
    connection: str
    key_id: str
    seen: int

    @property
    def key(self) -> dict[str, str]:
        return {"name": self.run_id, "item": f"{RUN}{self.connection}"}


def add(wanted: Subscription, deadline: Deadline) -> None:
    """From now on; who watches already begins anew at another event. Raises StoreUnavailable."""
    ttl = int(time.time()) + KEPT_SECONDS
    other_side = {"name": wanted.connection, "item": f"{RUN}{wanted.run_id}"}
    update(Write(live_table(), other_side, change="SET #ttl = :ttl", values={":ttl": ttl}), deadline)
    change = "SET #keyId = :keyId, #seen = :seen, #ttl = :ttl"
    values = {":keyId": wanted.key_id, ":seen": wanted.seen, ":ttl": ttl}
    update(Write(live_table(), wanted.key, change=change, values=values), deadline)


def of(run_id: str) -> list[Subscription]:
    """Read consistently; those of connections that must be over by now are not told. Raises StoreUnavailable."""
    now = time.time()
    found = table.query(live_table(), {"name": run_id}, between=("item", *_ANY_RUN))
    return [
        Subscription(run_id, item["item"].removeprefix(RUN), item["keyId"], item["seen"])
        for item in found
        if item["ttl"] > now
    ]


def moved(subscription: Subscription, seen: int, deadline: Deadline) -> None:
    """This event was sent to it; unless it wants to begin elsewhere by now, or is over. Raises StoreUnavailable."""
    values = {":before": subscription.seen, ":seen": seen}
    write = Write(live_table(), subscription.key, "SET #seen = :seen", "#seen = :before", values)
    try:
        update(write, deadline)
    except ConditionFailed:
        return


def remove(subscription: Subscription) -> None:
    """Raises StoreUnavailable."""
    table.take(live_table(), subscription.key)
    table.take(live_table(), {"name": subscription.connection, "item": f"{RUN}{subscription.run_id}"})


def lease(run_id: str, deadline: Deadline, *, after: str = "") -> str | None:
    """A token for who is to send this run's events from now on; None while another does.

    `after`: the token of whom it follows. Raises StoreUnavailable.
    """
    token, now = secrets.token_hex(8), int(time.time())
    condition = "attribute_not_exists(#token) OR #until < :now OR #token = :after"
    change = "SET #token = :token, #until = :until, #ttl = :until"
    values = {":now": now, ":after": after or "none", ":token": token, ":until": now + LEASE_SECONDS}
    try:
        update(Write(live_table(), _watcher(run_id), change, condition, values), deadline, again=False)
    except ConditionFailed:
        return None
    return token


def renew(run_id: str, token: str, deadline: Deadline) -> bool:
    """Whether it is still held. Raises StoreUnavailable."""
    values = {":token": token, ":until": int(time.time()) + LEASE_SECONDS}
    write = Write(live_table(), _watcher(run_id), "SET #until = :until, #ttl = :until", "#token = :token", values)
    try:
        update(write, deadline)
    except ConditionFailed:
        return False
    return True


def give_back(run_id: str, token: str, deadline: Deadline) -> None:
    """Nobody sends this run's events from now on. Raises StoreUnavailable."""
    write = Write(live_table(), _watcher(run_id), "REMOVE #token, #until", "#token = :token", {":token": token})
    try:
        update(write, deadline)
    except ConditionFailed:
        return


def _watcher(run_id: str) -> dict[str, str]:
    return {"name": run_id, "item": _WATCHER}
