"""Models that once cost more than their ceiling: not asked again for that kind of call until an operator clears them.

A ceiling that was exceeded means that a price or a limit is misunderstood, so every further call could overspend.
"""

from __future__ import annotations

import time
from threading import Lock

from llm_core import alerts
from llm_core.aws import table
from llm_core.aws.telemetry import logger
from llm_core.catalog import Model
from llm_core.errors import StoreUnavailable
from llm_core.failures import ProviderSuspended
from llm_core.money import plain
from llm_core.settings import settings

CACHE_SECONDS = 30

_known: dict[str, tuple[float, bool]] = {}
_lock = Lock()


def check(model: Model, operation: str) -> None:
    """Raises ProviderSuspended for a model that is suspended for this operation, StoreUnavailable."""
    name = _name(model, operation)
    with _lock:
        until, suspended = _known.get(name, (0.0, False))
    if until <= time.monotonic():
        suspended = table.get(settings().need("budgets_table_name"), {"userId": name}) is not None
        _remember(name, suspended=suspended)
    if suspended:
        words = f"{model.name} cost more than could be foreseen and waits for an operator to look at its price."
        raise ProviderSuspended(words, provider=model.provider)


def suspend(model: Model, operation: str, *, ceiling: int, cost: int) -> None:
    """A call cost more than its ceiling (nano-USD both): nobody asks for this again, and somebody is told."""
    name = _name(model, operation)
    _remember(name, suspended=True)
    try:
        item = {"userId": name, "since": int(time.time()), "ceiling": ceiling, "cost": cost}
        table.put_new(settings().need("budgets_table_name"), item, key="userId")
    except table.AlreadyThere:
        return
    except StoreUnavailable:
        logger.exception("overrun not kept", extra={"event": "overrun_lost", "model": model.name})
    alerts.raise_once("overrun", f"{operation} {model.name}", ceiling_usd=plain(ceiling), cost_usd=plain(cost))


def clear(name: str, operation: str) -> bool:
    """The operator has looked: `provider/model` may be asked again, everywhere within 30 s; False if it might anyway.

    Raises StoreUnavailable.
    """
    return table.forget(settings().need("budgets_table_name"), f"overrun:{operation} {name}", key="userId")


def _name(model: Model, operation: str) -> str:
    return f"overrun:{operation} {model.name}"


def _remember(name: str, *, suspended: bool) -> None:
    with _lock:
        _known[name] = (time.monotonic() + CACHE_SECONDS, suspended)
