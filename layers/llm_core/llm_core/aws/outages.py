"""Who cannot be asked now, as the doors met it within the last minute: kept in the health table, told by GET /health.

A name is a provider's, whose key cannot be read or was refused, or a model's, which is not there for us or failed so
often that its breaker is open. Nobody is asked in order to find out.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from llm_core.aws import breaker, expiring
from llm_core.aws.table import Item
from llm_core.aws.telemetry import logger
from llm_core.errors import Misconfigured, StoreUnavailable
from llm_core.settings import settings

LASTS_SECONDS = 60
"""A circuit is probed more often than that while anybody asks, so an outage under traffic is told without a gap."""

_PREFIX = "outage#"


def note(name: str) -> None:
    """Trouble in keeping it is logged: whoever met the outage has enough of it."""
    now = int(time.time())
    try:
        expiring.touch(settings().need("health_table_name"), f"{_PREFIX}{name}", now=now, until=now + LASTS_SECONDS)
    except (StoreUnavailable, Misconfigured):
        logger.exception("outage not kept", extra={"event": "outage_lost", "outage": name})


def among(names: Iterable[str]) -> list[str]:
    """Those of these names that cannot be asked, in order. Raises StoreUnavailable."""
    kept = {f"{prefix}{name}": name for name in names for prefix in (_PREFIX, breaker.PREFIX)}
    now = int(time.time())
    items = expiring.named(settings().need("health_table_name"), list(kept))
    return sorted({kept[item["name"]] for item in items if _is_on(item, now)})


def _is_on(item: Item, now: int) -> bool:
    if item["name"].startswith(_PREFIX):
        return bool(item["ttl"] > now)
    return bool(item["state"] != "CLOSED" and item["opened_at"] > now - LASTS_SECONDS)
