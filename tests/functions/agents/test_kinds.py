"""What a model answers is what its kind promised, or it is no answer: it is kept, shown and published as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.kinds import kinds

POST = {"title": "Moss", "content": "It is *warm*.", "tags": ["nests"]}


def told(**fields: Any) -> dict[str, Any] | None:
    return kinds()["blog_generation"].told(json.dumps(POST | fields))


def test_what_was_promised_is_told_and_what_was_not_is_left_out() -> None:
    assert told() == POST
    assert told(score=0.9, thoughts={"why": [1.5]}) == POST, "a number that the table cannot keep"


@pytest.mark.parametrize(
    "fields",
    [
        {"title": 0.5},
        {"title": None},
        {"content": ["a"]},
        {"tags": "nests"},
        {"tags": [1]},
        {"tags": [["nests"]]},
        {"content": "\ud83d"},
    ],
)
def test_another_shape_is_no_answer(fields: dict[str, Any]) -> None:
    assert told(**fields) is None


@pytest.mark.parametrize("text", ["", "no", "[]", "{}", '{"title": "x"}', '{"title": NaN}', "[" * 100_000, "\udcff"])
def test_what_is_no_such_object_is_no_answer(text: str) -> None:
    assert kinds()["blog_generation"].told(text) is None


def test_a_kind_without_a_form_answers_with_text() -> None:
    assert kinds()["research"].told("Moss.") == {"text": "Moss."}


@pytest.mark.parametrize("kind", [kind for kind in kinds().values() if kind.output], ids=lambda kind: kind.name)
def test_a_form_has_texts_and_lists_of_texts(kind: Any) -> None:
    assert set(kind.output["required"]) <= kind.output["properties"].keys()
    shapes = [{"type": each["type"], **each.get("items", {})} for each in kind.output["properties"].values()]
    assert all(shape["type"] == "string" for shape in shapes)
