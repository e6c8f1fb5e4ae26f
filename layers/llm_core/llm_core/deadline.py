"""One deadline per request: every external call takes its time-out from what is left of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from llm_core.errors import DeadlineExceeded


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on the monotonic clock, in seconds."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds left; below zero once it has passed."""
        return self.at - time.monotonic()

    @property
    def passed(self) -> bool:
        return self.left <= 0

    def remaining(self) -> float:
        """Seconds left. Raises DeadlineExceeded when there are none."""
        left = self.left
        if left <= 0:
            raise DeadlineExceeded("The time for this request is over. Ask for less, or stream the answer.")
        return left
