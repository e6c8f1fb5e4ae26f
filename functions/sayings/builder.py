"""The cache is filled: each model on a thread of its own writes three sayings, which are kept as they come."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from llm_core.deadline import Deadline
from llm_core.errors import DreyError, StoreUnavailable
from sayings import cooldown, services, shelf, trouble, writer
from sayings.saying import Saying
from sayings.services import Service

SERVICES = 3
"""Of one call."""

SECONDS = 20.0
"""For one model, with all that is asked again."""

ATTEMPTS = 3
RETRIES = 2
"""OpenAI's models are asked up to so often, also for what was unfit. Anthropic's once, and again, so often, only where
the call itself failed in a way that may pass."""

FIRST_PAUSE = 1.0
"""Seconds; it doubles, and up to half of it is added at random."""


def build(draw: random.Random) -> dict[str, int]:
    """{role: sayings that are new} of all models that do not rest. Raises StoreUnavailable before anybody is asked."""
    resting = cooldown.resting()
    roles = [role for role in writer.ROLES if role not in resting]
    if not roles:
        return {}
    wanted = services.some(SERVICES * len(roles), draw)
    shares = [wanted[place :: len(roles)] for place in range(len(roles))]
    with ThreadPoolExecutor(len(roles)) as pool:
        runs = [pool.submit(copy_context().run, _fill, role, share) for role, share in zip(roles, shares, strict=True)]
        return {role: run.result() for role, run in zip(roles, runs, strict=True)}


def _fill(role: str, wanted: Sequence[Service]) -> int:
    """Ask until each service has its saying, the attempts are used up, or the time is. How many were new."""
    deadline, new = Deadline.after(SECONDS), 0
    attempts, retries = (ATTEMPTS, 0) if writer.model_of(role).provider == "openai" else (1, RETRIES)
    for attempt in range(1, attempts + 1):
        began, failure = time.perf_counter(), None
        try:
            written = writer.write(role, wanted, deadline, retries=retries)
        except DreyError as error:
            failure = error
            took = round((time.perf_counter() - began) * 1000) if writer.was_asked(error) else 0
            trouble.log(error, writer.model_of(role).model, trouble.ASKING, took)
        else:
            new += _keep(written.sayings)
            done = {saying.service for saying in written.sayings}
            wanted = [service for service in wanted if service.id not in done]
        pause = _pause(failure, attempt)
        if not wanted or attempt == attempts or not _worth_it(failure) or pause >= deadline.left:
            break
        time.sleep(pause)
    if failure is not None:
        cooldown.after(failure, role)
    return new


def _worth_it(failure: DreyError | None) -> bool:
    """Whether asking again may help: the call failed in a way that may pass, or some texts were unfit."""
    return failure is None or (failure.retryable and writer.was_asked(failure))


def _pause(failure: DreyError | None, attempt: int) -> float:
    """Seconds: what the provider asks for, else 1, 2, 4 and a little more."""
    if failure is not None and failure.retry_after_s is not None:
        return failure.retry_after_s
    return FIRST_PAUSE * (1 << (attempt - 1)) * random.uniform(1, 1.5)  # noqa: S311 - no secret depends on it


def _keep(sayings: Sequence[Saying]) -> int:
    try:
        return len(shelf.keep(sayings))
    except StoreUnavailable as error:
        trouble.log(error, "DynamoDB", trouble.KEEPING)
        return 0
