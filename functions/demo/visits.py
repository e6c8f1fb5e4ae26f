"""What the demos give in a day: so many calls an address, by a counter that forgets by itself and never knows it."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime

from llm_core.aws.writes import ConditionFailed, Write, update
from llm_core.deadline import Deadline
from llm_core.errors import RateLimited
from llm_core.settings import settings

A_DAY = 20
"""Calls of one address, over all demos: at their dearest about 0.05 USD."""


class TooOften(RateLimited):
    """This address has had its calls of today."""

    code = "demo_limit"


class Spent(RateLimited):
    """What all demos together may spend today is spent, or held by calls that are still running."""

    code = "demo_budget_spent"


def until_tomorrow[T: RateLimited](refused: T) -> T:
    """The refusal, saying when it is over: at midnight (UTC)."""
    refused.retry_after_s = 86_400 - time.time() % 86_400
    return refused


def count(address: str, deadline: Deadline) -> int:
    """How many calls this address has left today, after this one. Raises TooOften, StoreUnavailable."""
    day = datetime.now(UTC).date().isoformat()
    name = f"demo#{day}#{hashlib.sha256(f'{day} {address}'.encode()).hexdigest()[:32]}"
    write = Write(
        settings().need("health_table_name"),
        {"name": name},
        change="SET #count = if_not_exists(#count, :none) + :one, #ttl = :ttl",
        condition="attribute_not_exists(#count) OR #count < :most",
        values={":none": 0, ":one": 1, ":most": A_DAY, ":ttl": int(time.time()) + 2 * 86_400},
    )
    try:
        done = update(write, deadline)
    except ConditionFailed as failure:
        words = f"The demos answer you {A_DAY} times a day, and did. Come back tomorrow, or run Drey yourself."
        raise until_tomorrow(TooOften(words)) from failure
    return A_DAY - int(done["count"])
