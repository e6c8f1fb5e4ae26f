"""Reading what callers send: a pydantic model in, or one clear sentence about what is wrong."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, LiteralString, Self

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
                raise not_priced(name)
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


def parse_exactly(data: bytes) -> Any:
    """The same with Decimal for every number that is no integer, because it may be an amount of money."""
    parse(data)
    try:
        return json.loads(data.decode(), parse_float=Decimal)
    except ArithmeticError as error:
        raise InvalidRequest("The body is not valid JSON: a number has too large an exponent.") from error


def read[T: BaseModel](shape: type[T], value: Any) -> T:
    """The value in this shape. Raises InvalidRequest or ParameterNotPriced, with the path of the field."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=True)
        first = max(wrong, key=lambda each: len(each["loc"]))  # of a union's complaints the deepest is the caller's
        field = str(first["ctx"]["field"]) if first["type"] == _NOT_PRICED else ""
        path = _path(first["loc"], value, missing=first["type"] == "missing", unknown=field)
        if field:
            raise ParameterNotPriced(first["msg"], param=f"{path}.{field}" if path else field) from error
        words = first["msg"].removeprefix("Value error, ")  # pydantic's, before the words of a shape's own validator
        raise InvalidRequest(f"{path or 'The body'}: {words}.", param=path or None) from error


_UNKNOWN = "The field '{field}' is not known here, so its price is not either. Leave it out."


def not_priced(field: str, sentence: LiteralString = _UNKNOWN, **words: str) -> PydanticCustomError:
    """What a shape's own validator raises for a field, or a value of one, that nobody here has a price for."""
    return PydanticCustomError(_NOT_PRICED, sentence, {"field": field[:100], **words})


def _path(location: tuple[int | str, ...], value: Any, *, missing: bool, unknown: str) -> str:
    """`messages[0].content`: the steps that lead through the value, without pydantic's names for members of unions.

    Such a name, `text` of `{"type": "text", "text": ...}`, comes at most once in each object, before a key of it.
    """
    path, named = "", False
    for place, step in enumerate(location):
        after = location[place + 1] if place + 1 < len(location) else unknown
        if isinstance(step, int) and isinstance(value, list):
            path, value, named = f"{path}[{step}]", value[step], False
        elif not isinstance(value, dict):
            continue
        elif not named and step in (value.get("type"), value.get("role")) and after in value:
            named = True
        elif step in value or (missing and place == len(location) - 1):
            path, value, named = f"{path}.{step}" if path else str(step), value.get(step), False
    return path
