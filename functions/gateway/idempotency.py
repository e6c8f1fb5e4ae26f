"""`Idempotency-Key`: a request that is sent twice is carried out once. Stripe's meaning, scoped to the API key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from llm_core.aws import idempotency
from llm_core.aws.http import Door, Response, defect
from llm_core.callers import Caller
from llm_core.errors import DreyError


def once(door: Door, caller: Caller, run: Callable[[], Response]) -> Response:
    """What `run` answers; for a caller who names a key, what it answered when the key was first sent.

    An error that charged nothing is forgotten, so that trying again is worth it; one that charged something is kept,
    and so is a defect of ours: nobody knows what it has cost.
    Raises InvalidRequest, IdempotencyMismatch, StillRunning, StoreUnavailable, and what `run` raises.
    """
    if door.header("idempotency-key") is None:
        return run()
    return idempotency.of_door(door, caller.key_id, lambda: _charged(door, run))


def _charged(door: Door, run: Callable[[], Response]) -> Response:
    """The answer, or the error that cost something; the same key would only get it again, so clients shall not try."""
    try:
        return run()
    except DreyError as error:
        if "cost" not in error.details:
            raise
        told = door.refused(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, a provider may have been paid
        told = door.refused(defect(error))
    headers = {name: value for name, value in told.headers.items() if name != "retry-after"}
    return replace(told, headers={**headers, "x-should-retry": "false"})
