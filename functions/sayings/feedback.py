"""What a page says of a saying, and what counts of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

FASTEST_MODEL_MS = 100
"""What took less cannot have come from a model."""


@dataclass(frozen=True, slots=True)
class Vote:
    """A feedback beside what the table knows, which wins over what a page says. Times in milliseconds."""

    saying_id: str | None
    vendor: str
    model: str
    positive: bool
    services: tuple[str, ...]
    original_llm_time: Decimal | int | None
    execution_time: Decimal | None
    is_cached: bool

    @property
    def response_time(self) -> Decimal | int | None:
        """How long the model took, as far as it can be told: its own time; never that of a cached answer, which is
        also one that took less than 100 ms."""
        if self.original_llm_time is not None:
            return self.original_llm_time
        if self.is_cached or self.execution_time is None or self.execution_time < FASTEST_MODEL_MS:
            return None
        return self.execution_time
