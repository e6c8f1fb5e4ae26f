"""Models that once cost more than their ceiling: not asked again in that way until an operator clears them.

A ceiling that was exceeded means that a price or a limit is misunderstood, so every further call like it could
overspend. Calls are alike by what their price depends on (`fitting.features`): a tool, images, a cache. A call that
has all of that, and more, is refused too; one that lacks any of it goes on, so nobody takes a model away from others
with something that they do not use.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from threading import Lock

from llm_core import alerts
from llm_core.aws import table
from llm_core.aws.telemetry import logger
from llm_core.aws.writes import ConditionFailed, Write, together, update
from llm_core.catalog import Model
from llm_core.deadline import Deadline
from llm_core.errors import StoreUnavailable
from llm_core.failures import ProviderSuspended
from llm_core.money import plain
from llm_core.settings import settings

CACHE_SECONDS = 30

_SECONDS = 3.0
_AND = "+"

Ways = frozenset[frozenset[str]]
"""The kinds of calls that are suspended, each by all that it depends on."""

_known: dict[str, tuple[float, Ways]] = {}
_lock = Lock()


def check(model: Model, operation: str, features: Collection[str] = ()) -> None:
    """Raises ProviderSuspended for a model that is suspended for calls like this one, StoreUnavailable."""
    name = _name(model, operation)
    with _lock:
        until, suspended = _known.get(name, (0.0, frozenset()))
    if until <= time.monotonic():
        item = table.get(settings().need("budgets_table_name"), {"userId": name})
        suspended = frozenset(frozenset(way.split(_AND)) for way in (item or {}).get("ways", ()))
        _remember(name, suspended)
    if any(way <= {operation, *features} for way in suspended):
        words = f"{model.name} cost more than could be foreseen and waits for an operator to look at its price."
        raise ProviderSuspended(words, provider=model.provider)


def suspend(model: Model, operation: str, features: Collection[str] = (), *, ceiling: int, cost: int) -> None:
    """A call cost more than its ceiling (nano-USD both): nobody asks for one like it, and somebody is told."""
    name, way = _name(model, operation), _AND.join([operation, *sorted(features)])
    with _lock:
        before = _known.get(name, (0.0, frozenset()))[1]
    _remember(name, before | {frozenset(way.split(_AND))})
    facts = {":since": int(time.time()), ":ceiling": ceiling, ":cost": cost}
    change = "ADD #ways :ways SET #since = :since, #ceiling = :ceiling, #cost = :cost"
    condition, values = "NOT contains(#ways, :way)", {**facts, ":way": way, ":ways": {way}}
    write = Write(settings().need("budgets_table_name"), {"userId": name}, change, condition, values)
    try:
        update(write, Deadline.after(_SECONDS))
    except ConditionFailed:
        return
    except StoreUnavailable:
        logger.exception("overrun not kept", extra={"event": "overrun_lost", "model": model.name})
    alerts.raise_once("overrun", f"{way} {model.name}", ceiling_usd=plain(ceiling), cost_usd=plain(cost))


def clear(name: str, operation: str, act: Write) -> bool:
    """The operator has looked: `provider/model` may be asked again, everywhere within 30 s; False if it might anyway.

    `act` is its audit row, written in the same transaction. Raises StoreUnavailable.
    """
    key = {"userId": f"overrun:{operation} {name}"}
    write = Write(settings().need("budgets_table_name"), key, "REMOVE #ways", "attribute_exists(#ways)")
    try:
        together([write, act], Deadline.after(_SECONDS))
    except ConditionFailed:
        return False
    return True


def _name(model: Model, operation: str) -> str:
    return f"overrun:{operation} {model.name}"


def _remember(name: str, suspended: Ways) -> None:
    with _lock:
        _known[name] = (time.monotonic() + CACHE_SECONDS, suspended)
