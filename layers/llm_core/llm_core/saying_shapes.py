"""What a page sends of a saying, for the door that counts it and for the description of the API."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

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

    saying: Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"\S")]
    source: Annotated[str, Field(max_length=200)] = ""
    feedback_type: Literal["POSITIVE", "NEGATIVE"]
    execution_time: Milliseconds | None = None
    is_cached: bool | None = None
    original_llm_time: Milliseconds | None = None
