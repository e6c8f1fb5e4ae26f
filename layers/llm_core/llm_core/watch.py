"""Whoever tells an answer looks whether it is still wanted: its caller may say so to any replica of the platform."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from threading import Event, Thread
from types import TracebackType
from typing import Self

from llm_core.accounts import marks
from llm_core.accounts.window import Window
from llm_core.aws.telemetry import logger
from llm_core.call import Call
from llm_core.errors import StoreUnavailable

EVERY_S = 1.0
"""Between two looks, each half a read unit or one; a stream that ends before the first costs none."""


class Watch:
    """Calls `stop`, once, when the call is told to stop (generations.cancel) while this is entered.

    On a thread of its own, so that a model's silence hides nothing and a slow table delays no word.
    """

    def __init__(self, call: Call, stop: Callable[[], None]) -> None:
        self.stopped = False
        self._call_id = call.id
        self._place = next(iter(call.payment.hold.open), None) if call.payment else None
        self._stop = stop
        self._over = Event()

    def __enter__(self) -> Self:
        if self._place is not None:
            Thread(target=copy_context().run, args=(self._look, self._place), name="watch", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()

    def _look(self, place: Window) -> None:
        while not self._over.wait(EVERY_S):
            try:
                wanted = not marks.stopping(place, self._call_id)
            except StoreUnavailable:
                logger.warning("no look at whether to stop", exc_info=True, extra={"event": "watch_failed"})
                continue
            if not (wanted or self._over.is_set()):
                self.stopped = True
                self._stop()
                return
