"""Whether somebody still waits for an answer."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock


class Cancellation:
    """`cancel`, from any thread, ends what is under way now, and whatever begins later before it has begun."""

    def __init__(self) -> None:
        self.cancelled = False
        self._end: Callable[[], None] = lambda: None
        self._lock = Lock()

    def ends(self, end: Callable[[], None]) -> None:
        """From now on this is under way: `end` is how it is ended, from any thread; it is now if nobody waits."""
        with self._lock:
            self._end = end
        if self.cancelled:
            end()

    def cancel(self) -> None:
        self.cancelled = True
        with self._lock:
            end = self._end
        end()
