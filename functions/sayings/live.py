"""The request that asks a model: one call, bounded in time, never repeated. Its failures are for the log."""

from __future__ import annotations

import random
import time

from llm_core.deadline import Deadline
from llm_core.errors import DreyError, StoreUnavailable
from sayings import cooldown, services, shelf, trouble, writer
from sayings.answer import Spent
from sayings.saying import Saying
from sayings.shelf import Shelf

SECONDS = 10.0
SECONDS_TO_ANSWER = 2.0
"""What is kept of the function's time for an answer from elsewhere."""


def ask(draw: random.Random, seconds_left: float, spent: Spent, table: Shelf) -> Saying | None:
    """A saying that was written just now; None where it failed. `spent` learns what it took."""
    if table.resting:
        return None  # what the call would cost cannot be held
    deadline = Deadline.after(min(SECONDS, seconds_left - SECONDS_TO_ANSWER))
    try:
        role = writer.choose(cooldown.resting(), draw)
    except StoreUnavailable as error:
        table.rest()
        trouble.log(error, "DynamoDB", "Error reading cool-downs")
        return None
    return _asked(role, draw, deadline, spent, table) if role else None


def _asked(role: str, draw: random.Random, deadline: Deadline, spent: Spent, table: Shelf) -> Saying | None:
    began = time.perf_counter()
    try:
        written = writer.write(role, services.some(1, draw), deadline, retries=0)
    except DreyError as error:
        if writer.was_asked(error):
            spent.api_ms = round((time.perf_counter() - began) * 1000)
        trouble.log(error, writer.model_of(role).model, trouble.ASKING, spent.api_ms or 0)
        cooldown.after(error, role)
        if isinstance(error, StoreUnavailable):
            table.rest()
        return None
    spent.api_ms, spent.tokens, spent.cost = written.api_ms, written.tokens, written.cost
    try:
        shelf.keep(written.sayings)  # so that it is found when somebody judges it
    except StoreUnavailable as error:
        trouble.log(error, "DynamoDB", trouble.KEEPING)
    return written.sayings[0]
