"""Reading what callers send: a pydantic model in, or one clear sentence about what is wrong."""

from __future__ import annotations

import json
import re
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError, from_json

from llm_core.errors import InvalidRequest, ParameterNotPriced

_NOT_PRICED = "parameter_not_priced"

_HUGE = re.compile(rb"[eE]\+?\d{3}|\d{309}")


class Shape(BaseModel):
    """Part of a request. A field nobody here knows might change the price, so it is refused unless it is null."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="after")
    def _no_unknown_fields(self) -> Self:
        for name, value in (self.model_extra or {}).items():
            if value is not None:  # an empty object may switch something on, as OpenAI's web_search_options does
                sentence = "The field '{field}' is not known here, so its price is not either. Leave it out."
                raise PydanticCustomError(_NOT_PRICED, sentence, {"field": name[:100]})
        return self


def parse(data: bytes) -> Any:
    """JSON as UTF-8 bytes. Raises InvalidRequest for anything else: NaN, lone surrogates, endless nesting, 1e999."""
    try:
        value = from_json(data, allow_inf_nan=False)
        if _HUGE.search(data):  # such a number is read as infinity, which is no JSON any more
            json.dumps(value, allow_nan=False)
    except (RecursionError, ValueError) as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}.") from error
    return value


def read[T: BaseModel](shape: type[T], value: Any) -> T:
    """The value in this shape. Raises InvalidRequest or ParameterNotPriced, with the path of the field."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=True)
        first = max(wrong, key=lambda each: len(each["loc"]))  # of a union's complaints the deepest is the caller's
        path = _path(first["loc"], value, first["type"])
        if first["type"] == _NOT_PRICED:
            field = str(first["ctx"]["field"])
            raise ParameterNotPriced(first["msg"], param=f"{path}.{field}" if path else field) from error
        raise InvalidRequest(f"{path or 'The body'}: {first['msg']}.", param=path or None) from error


def _path(location: tuple[int | str, ...], value: Any, kind: str) -> str:
    """`messages[0].content`: the steps that lead through the value, without pydantic's names for members of unions."""
    path = ""
    for place, step in enumerate(location):
        after = location[place + 1] if place + 1 < len(location) else None
        if isinstance(step, int) and isinstance(value, list):
            path, value = f"{path}[{step}]", value[step]
        elif not isinstance(value, dict) or _is_tag(step, value, after, kind):
            continue
        elif step in value or (kind == "missing" and after is None):
            path, value = f"{path}.{step}" if path else str(step), value.get(step)
    return path


def _is_tag(step: int | str, value: dict[str, Any], after: int | str | None, kind: str) -> bool:
    """Whether this step is the name of a union's member (`text` of `{"type": "text", "text": ...}`), not a key."""
    named = step in (value.get("type"), value.get("role"))
    return named and (after in value or (after is None and kind == _NOT_PRICED))
