"""What a page says of a saying, and what counts of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

FASTEST_MODEL_MS = 100
"""What took less cannot have come from a model."""

_LONGEST_MS = 600_000


def _milliseconds(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= _LONGEST_MS:
        raise PydanticCustomError("milliseconds", "a number of milliseconds from 0 to 600,000")
    return Decimal(value).quantize(Decimal("0.001")).normalize()


Milliseconds = Annotated[Decimal, BeforeValidator(_milliseconds)]


class Feedback(BaseModel):
    """POST /feedback, as a page sends it: what was shown, from where, how long it took."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, alias_generator=to_camel
    )

    saying: Annotated[str, Field(min_length=1, max_length=1_000)]
    source: Annotated[str, Field(max_length=200)] = ""
    feedback_type: Literal["POSITIVE", "NEGATIVE"]
    execution_time: Milliseconds | None = None
    is_cached: bool | None = None
    original_llm_time: Milliseconds | None = None


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
