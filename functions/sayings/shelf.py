"""The table main_humor: what was written once and is shown again.

A container reads a handful at a random place of the index once in five minutes and answers from it. When the table
cannot be asked, it goes on with the handful it had, however old that is.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Iterable
from threading import Lock

from llm_core.aws import table
from llm_core.errors import StoreUnavailable
from llm_core.settings import settings
from sayings import trouble
from sayings.saying import SHELF, Saying, of, saying_id

HANDFUL = 25
NEWEST = 12
"""Sayings that are read at once; the newest are one round of four models."""

KEPT_SECONDS = 300
REST_SECONDS = 10
"""After trouble with the table nobody waits for it for so long."""

_LOWEST = "0"


class Shelf:
    """Of one warm container."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._handful: list[Saying] = []
        self._left: list[Saying] = []
        self._until = 0.0
        self._resting_until = 0.0

    @property
    def resting(self) -> bool:
        return time.monotonic() < self._resting_until

    def rest(self) -> None:
        """Somebody else has met the trouble: not to be met again at once."""
        self._resting_until = time.monotonic() + REST_SECONDS

    def draw(self) -> Saying | None:
        """One that was not shown lately; None where there is none, or none can be reached."""
        with self._lock:
            if not self._left or time.monotonic() >= self._until:
                self._left = self._again()
            return self._left.pop() if self._left else None

    def newest(self) -> list[Saying]:
        """What models wrote last, the newest first; nothing where the table is in trouble."""
        if self.resting:
            return []
        try:
            items = table.latest(_table(), "age", {"shelf": SHELF}, sort="created_at", before=None, limit=NEWEST)
        except StoreUnavailable as error:
            self._stumbled(error)
            return []
        return [saying for saying in of(items) if saying.original_llm_time is not None]

    def _again(self) -> list[Saying]:
        """Another handful in random order; the last one where the table is in trouble."""
        if not self.resting:
            try:
                self._handful = _handful()
            except StoreUnavailable as error:
                self._stumbled(error)
            else:
                self._until = time.monotonic() + KEPT_SECONDS
        return random.sample(self._handful, len(self._handful))

    def _stumbled(self, error: StoreUnavailable) -> None:
        self.rest()
        trouble.log(error, "DynamoDB", "Error reading sayings")


def _handful() -> list[Saying]:
    """From a random place of the index on, and from its beginning where it ends."""
    found = _from(secrets.token_hex(16), HANDFUL)
    if len(found) < HANDFUL:
        known = {saying.id for saying in found}
        found += [saying for saying in _from(_LOWEST, HANDFUL) if saying.id not in known]
    return found[:HANDFUL]


def _from(first: str, limit: int) -> list[Saying]:
    return of(table.following(_table(), "text", {"shelf": SHELF}, sort="saying_id", first=first, limit=limit))


def keep(sayings: Iterable[Saying]) -> list[Saying]:
    """Keep them; those that are new. Of words that are known, the first writer stays. Raises StoreUnavailable."""
    new = []
    for saying in sayings:
        try:
            table.put_new(_table(), saying.stored, key="saying_id")
        except table.AlreadyThere:
            continue
        new.append(saying)
    return new


def find(text: str) -> Saying | None:
    """The saying with these words, read consistently. Raises StoreUnavailable."""
    item = table.get(_table(), {"saying_id": saying_id(text)})
    return of([item])[0] if item else None


def _table() -> str:
    return settings().need("main_humor_table_name")
