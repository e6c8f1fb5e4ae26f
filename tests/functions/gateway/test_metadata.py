"""A caller's own tags: what is taken, and what is refused without repeating it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway import metadata
from llm_core.aws.http import Door, Response
from llm_core.errors import InvalidRequest
from tests.functions.gateway.events import Send


def read(header: str | None) -> dict[str, str] | InvalidRequest:
    """What this header is read as; a request stands behind it as in a door."""
    found: list[dict[str, str] | InvalidRequest] = []
    door = Door()

    @door.post("/v1/chat/completions")
    def chat() -> Response:
        try:
            found.append(metadata.read(door))
        except InvalidRequest as refused:
            found.append(refused)
        return Response(200, b"{}")

    Send(door, "any")("chat-hello", headers={} if header is None else {"X-Drey-Metadata": header})
    return found[-1]


@pytest.mark.parametrize(
    "tags", [{}, {"team": "search"}, {"ticket": "DREY-4", "größe": "🐿", "empty": ""}, {"x": "y" * 1_000}], ids=len
)
def test_an_object_of_strings_is_taken(tags: dict[str, str]) -> None:
    assert read(json.dumps(tags, ensure_ascii=False)) == tags


def test_who_sends_none_has_none() -> None:
    assert read(None) == {}


WRONG: list[tuple[Any, str]] = [
    ("", "not valid JSON"),
    ("team=search", "not valid JSON"),
    ('{"team": "search"', "not valid JSON"),
    ('{"lone": "\\ud83d"}', "not valid JSON"),
    ("null", "object of named strings"),
    ('["search"]', "object of named strings"),
    ('"search"', "object of named strings"),
    ('{"team": 1}', "object of named strings"),
    ('{"": "search"}', "object of named strings"),
    ('{"team": null}', "object of named strings"),
    ('{"team": {"name": "search"}}', "object of named strings"),
    (json.dumps({"x": "y" * 1_020}), "at most 1,024 bytes"),
    (json.dumps({"x": "ü" * 600}, ensure_ascii=False), "at most 1,024 bytes"),
    ("[" * 1_024, "not valid JSON"),
]


@pytest.mark.parametrize(("header", "words"), WRONG, ids=[str(index) for index in range(len(WRONG))])
def test_anything_else_is_refused_and_not_repeated(header: str, words: str) -> None:
    refused = read(header)
    assert isinstance(refused, InvalidRequest)
    assert refused.param == "x-drey-metadata"
    assert words in refused.message
    assert "search" not in refused.message.replace('{"team": "search"}', "")
