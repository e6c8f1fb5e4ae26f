"""What is said to a caller whose request has the wrong shape."""

import contextlib
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from llm_core import shapes
from llm_core.errors import InvalidRequest, ParameterNotPriced
from llm_core.shapes import Shape


class _Leaf(Shape):
    kind: Literal["leaf"]
    size: int


class _Knot(Shape):
    kind: Literal["knot"]
    label: str


class _Tree(Shape):
    name: str
    parts: list[Annotated[_Leaf | _Knot, Field(discriminator="kind")]] = Field(default=[])
    note: str | list[_Knot] = ""


@pytest.mark.parametrize(
    ("value", "param"),
    [
        ({}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x", "parts": [{"kind": "leaf", "size": "5"}]}, "parts[0].size"),
        ({"name": "x", "parts": [{"kind": "leaf"}]}, "parts[0].size"),
        ({"name": "x", "parts": [{"kind": "twig"}]}, "parts[0]"),
        ({"name": "x", "note": [{"kind": "knot", "label": 1}]}, "note[0].label"),
    ],
)
def test_the_error_names_the_field_by_its_path(value: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        shapes.read(_Tree, value)
    assert refused.value.param == param
    assert refused.value.message.startswith(param)


def test_an_unknown_field_is_refused_because_its_price_is_unknown() -> None:
    with pytest.raises(ParameterNotPriced) as refused:
        shapes.read(_Tree, {"name": "x", "parts": [{"kind": "leaf", "size": 1, "speed": "fast"}]})
    assert refused.value.param == "parts[0].speed"


def test_an_unknown_field_that_is_null_passes_and_an_empty_one_does_not() -> None:
    assert shapes.read(_Tree, {"name": "x", "audio": None}).name == "x"
    with pytest.raises(ParameterNotPriced):  # OpenAI's way of switching its web search on
        shapes.read(_Tree, {"name": "x", "web_search_options": {}})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'"\\ud800"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a": 1e999}',
    ],
    ids=["empty", "cut", "quotes", "nan", "infinity", "lone surrogate", "not utf-8", "too deep", "infinite"],
)
def test_what_is_not_json_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(InvalidRequest, match="not valid JSON"):
        shapes.parse(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_either_json_or_an_invalid_request(data: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        shapes.parse(data)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["name", "parts", "note", "else"]), _json))
def test_any_json_is_either_read_or_an_invalid_request(value: dict[str, Any]) -> None:
    with contextlib.suppress(InvalidRequest):
        shapes.read(_Tree, value)
