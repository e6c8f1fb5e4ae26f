"""A recording is found by all that was asked, and keeps nothing secret."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from evals.recordings import Archive, Asked, Missing
from llm_core import redaction
from llm_core.messages import Instructions, Message, Output, Request, Text

PROMPT = Instructions("x", 1, (("role", "You sort."), ("constraints", "One label.")))
ASKED = Request("claude-haiku-4-5", (Message("user", (Text("A text."),)),), system=PROMPT, max_tokens=50)
ANSWER = {"id": "msg_1", "content": [{"type": "text", "text": "yes"}]}


def key(request: Request) -> str:
    return Asked("a/b", request).key


def test_the_same_request_has_the_same_key_whoever_asks_it() -> None:
    assert key(ASKED) == Asked("c/d", replace(ASKED)).key


def test_a_role_and_the_model_it_stands_for_have_one_key() -> None:
    assert key(ASKED) == key(replace(ASKED, model="fast"))


@pytest.mark.parametrize(
    "other",
    [
        replace(ASKED, system=replace(PROMPT, blocks=(("role", "You sort!"), PROMPT.blocks[1]))),
        replace(ASKED, system=replace(PROMPT, blocks=PROMPT.blocks[::-1])),
        replace(ASKED, messages=(Message("user", (Text("A text!"),)),)),
        replace(ASKED, max_tokens=51),
        replace(ASKED, temperature=0),
        replace(ASKED, output=Output("x", {"type": "object"})),
        replace(ASKED, model="claude-sonnet-4-6"),
        replace(ASKED, model="gpt-4.1"),
    ],
    ids=["a letter", "order of blocks", "the text", "a limit", "a parameter", "a schema", "the model", "the provider"],
)
def test_whatever_is_asked_otherwise_has_another_key(other: Request) -> None:
    assert key(other) != key(ASKED)


def test_what_was_kept_is_found_and_what_was_not_is_told_by_its_key(tmp_path: Path) -> None:
    archive, ours = Archive(tmp_path), Asked("a/b", ASKED)
    with pytest.raises(Missing, match=f"a/b by anthropic/claude-haiku-4-5: no recording has the key {ours.key}"):
        archive.find(ours)
    kept = archive.keep(ours, ANSWER, "anthropic", 12)
    assert Archive(tmp_path).find(ours) == kept
    assert (kept.answer, kept.by, kept.latency_ms) == (ANSWER, "anthropic", 12)


def test_nothing_that_is_or_looks_like_a_key_is_kept(tmp_path: Path) -> None:
    redaction.remember("a-very-own-secret-value")
    text = "You sent sk-ant-api03-abcdefghijklmnop and sk-proj-ABCDEFGHIJKLMNOPQRSTUVWXYZ and a-very-own-secret-value."
    archive, ours = Archive(tmp_path), Asked("a/b", ASKED)
    archive.keep(ours, {"content": [{"type": "text", "text": text}], "headers": {"x-api-key": text}}, "anthropic", 1)
    (file,) = tmp_path.rglob("*.json")
    written = file.read_text()
    for secret in ("abcdefghijklmnop", "ABCDEFGHIJKLMNOP", "a-very-own-secret-value"):
        assert secret not in written
    assert "You sent" in json.loads(written)["answer"]["content"][0]["text"]


def test_recordings_that_nobody_asked_for_are_known(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.keep(Asked("a/b", ASKED), ANSWER, "anthropic", 1)
    archive.keep(Asked("a/c", replace(ASKED, max_tokens=51)), ANSWER, "anthropic", 1)
    later = Archive(tmp_path)
    later.find(Asked("a/b", ASKED))
    assert [file.name.partition(".")[0] for file in later.unused("a")] == ["c"]
    assert later.unused("other") == []
