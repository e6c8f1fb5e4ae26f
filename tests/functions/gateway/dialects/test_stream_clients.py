"""The official SDKs' own streaming helpers on our streams, in the majors our users have."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.dialects import anthropic_messages, openai_chat
from llm_core.deltas import CallBegun, CallPiece, Delta
from llm_core.providers.anthropic_stream import AnthropicReader
from llm_core.providers.openai_stream import OpenAIReader
from tests.conftest import ROOT
from tests.functions.gateway.dialects import stream_clients
from tests.functions.gateway.dialects.conftest import Wire
from tests.functions.gateway.dialects.lives import CALLS, TALK, answer, cut, events, passed, staged, whole

OLDER = str(ROOT / ".local/venvs/older-clients/bin/python")
TURNS: list[Delta] = [
    CallBegun(0, "call_a", "get_weather"),
    CallBegun(1, "call_b", "get_time"),
    CallPiece(1, "{}"),
    CallPiece(0, '{"city": "Lisbon"}'),
]
SAID = {
    "text": answer(*TALK),
    "calls": answer(*TALK, *CALLS, finish="tool_calls"),
    "calls in turns": answer(*TALK, *TURNS, finish="tool_calls"),
}


def streams() -> dict[str, list[bytes]]:
    """Each answer in either dialect: translated, passed through, and cut in its middle."""
    found = {}
    for name, said in SAID.items():
        gpt, claude = staged(events(*said)).sent("openai"), staged(events(*said), "openai").sent("anthropic")
        found[f"openai.{name}"] = gpt
        found[f"openai.{name}, passed"] = staged(passed(gpt, OpenAIReader()), "openai").sent("openai")
        found[f"anthropic.{name}"] = claude
        found[f"anthropic.{name}, passed"] = staged(passed(claude, AnthropicReader())).sent("anthropic")
    silence = [b": keep-alive\n\n"] * 2
    found["openai.a silence"] = [*silence, *found["openai.text"][:1], *silence, *found["openai.text"][1:]]
    found["anthropic.a silence"] = [*silence, *found["anthropic.text"][:3], *silence, *found["anthropic.text"][3:]]
    found["openai.a cut"] = staged(events(*SAID["calls"][:4]), failure=cut()).sent("openai")
    found["anthropic.a cut"] = staged(events(*SAID["calls"][:4]), "openai", failure=cut()).sent("anthropic")
    return found


@pytest.fixture(
    params=[(["3", "2"], sys.executable), (["2", "1"], OLDER)],
    ids=["openai 3.x, anthropic 2.x", "openai 2.x, anthropic 1.x"],
    scope="module",
)
def seen(request: pytest.FixtureRequest, wire: Wire) -> dict[str, Any]:
    """What the user's program saw of every stream, under one major of each SDK."""
    majors, python = request.param
    sent = streams()
    names = {f"{name.partition('.')[0]}.{number}": name for number, name in enumerate(sent)}
    for short, name in names.items():
        wire.sends(sent[name], short)
    program = [python, str(Path(stream_clients.__file__)), wire.url, *names]
    done = subprocess.run(program, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [version.partition(".")[0] for version in told["sdks"]] == majors
    return {name: told[short] for short, name in names.items()}


@pytest.mark.parametrize("name", ["text", "text, passed", "a silence"])
def test_openais_helper_tells_a_text(seen: dict[str, Any], name: str) -> None:
    told = seen[f"openai.{name}"]
    assert told["error"] is None
    choice = told["completion"]["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Let me look. 🐿️", "stop")
    assert told["kinds"].count("content.delta") == 2
    assert told["kinds"].count("content.done") == 1


@pytest.mark.parametrize("name", ["calls", "calls, passed", "calls in turns", "calls in turns, passed"])
def test_openais_helper_puts_calls_of_tools_together(seen: dict[str, Any], name: str) -> None:
    told = seen[f"openai.{name}"]
    choice = told["completion"]["choices"][0]
    calls = [(call["id"], call["type"], call["function"]) for call in choice["message"]["tool_calls"]]
    assert [(id, kind, function["name"], function["arguments"]) for id, kind, function in calls] == [
        ("call_a", "function", "get_weather", '{"city": "Lisbon"}'),
        ("call_b", "function", "get_time", "{}"),
    ]
    assert choice["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("name", [*SAID, *(f"{name}, passed" for name in SAID)])
def test_openais_helper_has_the_account_with_the_cost(seen: dict[str, Any], name: str) -> None:
    usage = seen[f"openai.{name}"]["completion"]["usage"]
    expected = whole(openai_chat, SAID[name.removesuffix(", passed")])["usage"]
    assert {each: usage[each] for each in ("total_tokens", "cost", "cost_details")} == {
        each: expected[each] for each in ("total_tokens", "cost", "cost_details")
    }


@pytest.mark.parametrize("name", ["text", "text, passed", "a silence"])
def test_anthropics_helper_tells_a_text(seen: dict[str, Any], name: str) -> None:
    told = seen[f"anthropic.{name}"]
    assert told["error"] is None
    assert [block["text"] for block in told["message"]["content"]] == ["Let me look. 🐿️"]
    assert told["message"]["stop_reason"] == "end_turn"
    kinds = ["content_block_start", *["content_block_delta", "text"] * 2, "content_block_stop"]
    assert told["kinds"] == ["message_start", *kinds, "message_delta", "message_stop"]


@pytest.mark.parametrize("name", ["calls", "calls, passed", "calls in turns", "calls in turns, passed"])
def test_anthropics_helper_puts_calls_of_tools_together(seen: dict[str, Any], name: str) -> None:
    message = seen[f"anthropic.{name}"]["message"]
    fields = ("type", "id", "name", "input")
    assert [tuple(block[field] for field in fields) for block in message["content"][1:]] == [
        ("tool_use", "call_a", "get_weather", {"city": "Lisbon"}),
        ("tool_use", "call_b", "get_time", {}),
    ]
    assert message["stop_reason"] == "tool_use"


@pytest.mark.parametrize("name", [*SAID, *(f"{name}, passed" for name in SAID)])
def test_anthropics_helper_has_the_account_and_its_last_event_the_cost(seen: dict[str, Any], name: str) -> None:
    told = seen[f"anthropic.{name}"]
    expected = whole(anthropic_messages, SAID[name.removesuffix(", passed")])["usage"]
    counts = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
    assert {each: told["message"]["usage"][each] for each in counts} == {each: expected[each] for each in counts}
    assert told["usage"].items() >= {each: expected[each] for each in (*counts, "cost", "cost_details")}.items()


@pytest.mark.parametrize(("dialect", "error"), [("openai", "APIError"), ("anthropic", "APIStatusError")])
def test_a_cut_is_an_error_of_the_sdks_and_no_answer(seen: dict[str, Any], dialect: str, error: str) -> None:
    told = seen[f"{dialect}.a cut"]
    assert (told.get("completion"), told.get("message")) == (None, None)
    assert told["error"]["class"] == error
    assert cut().message in told["error"]["message"]
