"""A run is begun once, however often its request comes with the same `Idempotency-Key`."""

from __future__ import annotations

from collections.abc import Mapping

from agents import ordering
from llm_core.aws import idempotency
from llm_core.aws.http import Door, Response
from llm_core.callers import Caller
from llm_core.runs import run as stored
from llm_core.runs.run import Run
from llm_core.runs.start import start


def begun(door: Door, caller: Caller) -> tuple[Run, Mapping[str, str]]:
    """The run as it stands, and what its answer says in headers: whether it was begun by an earlier request.

    Raises InvalidRequest, ModelNotFound, TooManyRuns, IdempotencyMismatch, StillRunning, StoreUnavailable.
    """

    def begin() -> Response:
        return Response(200, start(caller, ordering.read(door.body(), caller), door.deadline).id.encode())

    answer = idempotency.of_door(door, caller.key_id, begin)
    assert isinstance(answer.body, bytes)  # noqa: S101 - for the type checker
    replayed = {name: value for name, value in answer.headers.items() if name == idempotency.REPLAYED}
    return stored.find(answer.body.decode()), replayed
