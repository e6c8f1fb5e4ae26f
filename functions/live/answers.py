"""Completions that are being written for a connection: begun once, and wanted until they are cancelled or it closes."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import copy_context
from threading import Event, Thread
from types import TracebackType
from typing import Self

from live.connections import live_table
from llm_core.aws import table
from llm_core.aws.table import AlreadyThere, Item
from llm_core.aws.telemetry import logger
from llm_core.aws.writes import ConditionFailed, Write, update
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest, NotFound, StoreUnavailable

KEPT_SECONDS = 1_800

LOOK_S = 0.5
"""Between two looks at whether an answer is still wanted: one read unit each."""


def want(connection: str, request_id: str, message: str) -> None:
    """`message` is the id of what asks for it: of two that arrive at once, one is refused.

    Raises InvalidRequest while an answer with this id is being written, StoreUnavailable.
    """
    item = {**_key(connection, request_id), "message": message, "begun": 0, "cancelled": 0}
    item["ttl"] = int(time.time()) + KEPT_SECONDS
    try:
        table.put_new(live_table(), item, key="item")
    except AlreadyThere as error:
        words = "requestId: an answer with this id is being written on this connection. Choose another."
        raise InvalidRequest(words, param="requestId") from error


def begin(connection: str, request_id: str, deadline: Deadline) -> Item | None:
    """What is kept of it, once: an event that is delivered twice must not be paid twice; None then, and when its
    connection has closed. One that was cancelled before is begun, so that its end is told. Raises StoreUnavailable.
    """
    values = {":one": 1, ":zero": 0}
    key = _key(connection, request_id)
    write = Write(live_table(), key, "SET #begun = :one", "#begun = :zero", values)
    try:
        return update(write, deadline, again=False)
    except ConditionFailed:
        return None


def cancel(connection: str, request_id: str, deadline: Deadline) -> None:
    """It ends soon. Raises NotFound, StoreUnavailable."""
    write = Write(
        live_table(), _key(connection, request_id), "SET #cancelled = :one", "attribute_exists(#item)", {":one": 1}
    )
    try:
        update(write, deadline)
    except ConditionFailed as error:
        raise NotFound("No answer with this requestId is being written on this connection.") from error


def over(connection: str, request_id: str) -> None:
    """Raises StoreUnavailable."""
    table.take(live_table(), _key(connection, request_id))


class Wanted:
    """Calls `stop`, once, when the answer is cancelled or its connection closes while this is entered."""

    def __init__(self, connection: str, request_id: str, stop: Callable[[], None]) -> None:
        self._key = _key(connection, request_id)
        self._stop = stop
        self._over = Event()

    def __enter__(self) -> Self:
        Thread(target=copy_context().run, args=(self._look,), name="wanted", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()

    def _look(self) -> None:
        while not self._over.wait(LOOK_S):
            try:
                found = table.get(live_table(), self._key)
            except StoreUnavailable:
                logger.warning("no look at whether to stop", exc_info=True, extra={"event": "watch_failed"})
                continue
            if (found is None or found["cancelled"]) and not self._over.is_set():
                self._stop()
                return


def _key(connection: str, request_id: str) -> dict[str, str]:
    return {"name": connection, "item": f"answer#{request_id}"}
