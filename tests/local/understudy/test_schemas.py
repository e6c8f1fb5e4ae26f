"""Values for schemas: whatever the schema, the value satisfies it."""

from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from local.understudy import schemas, words

TREE = {
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
            },
            "required": ["name", "children", "next"],
            "additionalProperties": False,
        }
    },
    "$ref": "#/$defs/Node",
}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 30, "maxLength": 40},
        {"type": "string", "maxLength": 3},
        {"type": "string", "pattern": r"^[A-Z]{3}-\d{4}$"},
        {"type": "string", "pattern": r"^(foo|bar)+[^x]?\w\s$"},
        {"type": "string", "format": "uuid"},
        {"type": "integer", "minimum": 100, "maximum": 200, "multipleOf": 7},
        {"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6},
        {"type": "number", "minimum": 0, "maximum": 0.5},
        {"type": "number", "maximum": -10},
        {"type": ["null", "integer"]},
        {"const": {"a": 1}},
        {"enum": [1, 2, 3]},
        {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
        {"type": "array", "items": {"type": "integer"}, "minItems": 4, "maxItems": 4},
        {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
        {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
        {"allOf": [{"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]},
                   {"properties": {"b": {"type": "null"}}, "required": ["b"]}]},
        {"oneOf": [{"type": "null"}, {"type": "object", "properties": {"x": {"const": 5}}, "required": ["x"]}]},
        {},
        TREE,
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", ["Find 2 squirrels in Oslo, please", ""])
def test_a_value_satisfies_its_schema(schema: Any, text: str) -> None:
    value = schemas.value(schema, text)

    jsonschema.validate(value, schema, format_checker=jsonschema.FormatChecker())
    assert value == schemas.value(schema, text)


def test_labels_in_a_prompt_are_answered_by_one_of_them() -> None:
    assert words.labels("Classify into one of these labels: billing, bug, praise.") == ["billing", "bug", "praise"]
    assert words.labels("Just say hello.") == []
    assert words.most_mentioned("labels: billing, bug. Text: a bug, a bad bug", ["billing", "bug"]) == "bug"
