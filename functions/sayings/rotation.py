"""What one warm container remembers: which request this is, and the sayings that are ready to be shown."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from threading import Lock

from sayings.saying import Place, Saying

LIVE = 4
"""The request that asks a model. Those before it are answered from the table, those after it from the cache."""

LOOK_SECONDS = 30
"""How often a container whose cache is empty looks for new sayings, at most."""

_FRESH_MS = 3_600_000


def places(number: int) -> tuple[Place, ...]:
    """Where the answer to the n-th request of a container is looked for, one place after another."""
    if number < LIVE:
        return "table", "built-in"
    if number == LIVE:
        return "live", "cache", "table", "built-in"
    return "cache", "table", "built-in"


class CacheManager:
    """`since` (epoch milliseconds): what was written up to then is known here, or too old to be new."""

    def __init__(self) -> None:
        self.since = time.time_ns() // 1_000_000 - _FRESH_MS
        self._lock = Lock()
        self._requests = 0
        self._ready: deque[Saying] = deque()
        self._known: set[str] = set()
        self._looked = -float(LOOK_SECONDS)

    def next_request_number(self) -> int:
        """1 for the first request of this container."""
        with self._lock:
            self._requests += 1
            return self._requests

    def take(self) -> Saying | None:
        """The next one that is ready; each is shown once."""
        with self._lock:
            return self._ready.popleft() if self._ready else None

    def may_look(self) -> bool:
        """Whether it is time to look for new ones; who is told so does."""
        with self._lock:
            now = time.monotonic()
            if self._ready or now - self._looked < LOOK_SECONDS:
                return False
            self._looked = now
            return True

    def known(self, saying: Saying) -> None:
        """It was shown already, so it is none of the new ones."""
        with self._lock:
            self._known.add(saying.id)

    def add(self, sayings: Iterable[Saying]) -> None:
        """These are ready, except what is known and what is not newer than what was added before."""
        with self._lock:
            new = {saying.id: saying for saying in sayings if saying.created_at > self.since}
            self._ready += [saying for id_, saying in new.items() if id_ not in self._known]
            self._known = {*new}
            if new:
                self.since = max(saying.created_at for saying in new.values())
                self._looked = -float(LOOK_SECONDS)
