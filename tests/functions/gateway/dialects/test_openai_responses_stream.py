"""An answer told in the events of OpenAI's Responses: numbered, put together by the SDKs, never done before its end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects import openai_responses
from llm_core.call import Call
from llm_core.deltas import CallBegun, CallPiece, Delta, Heard, TextPiece, ThinkingPiece
from llm_core.errors import LedgerUnavailable
from llm_core.gateway import Answer
from llm_core.messages import Finish, Request
from tests.conftest import ROOT
from tests.functions.gateway.dialects import stream_clients
from tests.functions.gateway.dialects.conftest import Wire
from tests.functions.gateway.dialects.lives import (
    CALLS,
    CLAUDE,
    CREATED,
    TALK,
    Staged,
    answer,
    cut,
    events,
    read,
    staged,
)
from tests.functions.gateway.dialects.stream_clients import responses
from tests.functions.gateway.dialects.test_streams import ANSWERS

OLDER = str(ROOT / ".local/venvs/older-clients/bin/python")
COST = {"cost": 0.001020108, "cost_details": {"upstream_inference_cost": 0.001000105}}
TURNS: list[Delta] = [
    CallBegun(0, "call_a", "f"),
    CallBegun(1, "call_b", "g"),
    CallPiece(1, "{}"),
    CallPiece(0, '{"x": 1}'),
]


def told(*deltas: Delta, finish: Finish = "stop", **more: Any) -> list[dict[str, Any]]:
    return read(staged(events(*answer(*deltas, finish=finish, **more))).sent("responses"))


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def whole(call: Call, deltas: list[Delta]) -> dict[str, Any]:
    """What the writer of whole answers makes of the same call."""
    heard = Heard()
    for event in events(*deltas):
        heard.hear(event)
    assert heard.reply is not None
    return openai_responses.write(Answer(call, CLAUDE, heard.reply, fallback=False), Request("m", ()))


# Its events


def test_a_text_is_an_item_that_begins_goes_on_and_is_done() -> None:
    seen = told(*TALK)
    assert kinds(seen) == [
        *("created", "in_progress"),
        *("output_item.added", "content_part.added", "output_text.delta", "output_text.delta"),
        *("output_text.done", "content_part.done", "output_item.done"),
        "completed",
    ]
    assert [event["sequence_number"] for event in seen] == [*range(10)]
    item = seen[2]["item"]
    assert (item["type"], item["status"], item["content"]) == ("message", "in_progress", [])
    assert [event["delta"] for event in seen[4:6]] == ["Let me ", "look. 🐿️"]
    assert seen[6]["text"] == seen[7]["part"]["text"] == "Let me look. 🐿️"
    assert {event["item_id"] for event in seen[3:8]} == {item["id"]}
    assert {event["output_index"] for event in seen[2:9]} == {0}


def test_every_event_is_named_by_its_type() -> None:
    for piece in staged(events(*answer(*TALK))).sent("responses"):
        name, data = piece.decode().split("\n")[:2]
        assert name.removeprefix("event: ") == json.loads(data.removeprefix("data: "))["type"]


def test_a_response_begins_in_progress_under_our_id_and_ends_with_its_account() -> None:
    stage = staged(events(*answer(*TALK)))
    first, second, *_, last = read(stage.sent("responses"))
    assert first["response"] == second["response"]
    begun, ended = first["response"], last["response"]
    assert begun["id"] == ended["id"] == "resp_" + stage.live.call.id.removeprefix("gen-")
    assert (begun["status"], begun["output"], begun["usage"]) == ("in_progress", [], None)
    assert (begun["created_at"], begun["model"]) == (CREATED, CLAUDE.model)
    assert ended["status"] == "completed"
    assert ended["usage"].items() >= {"input_tokens": 30, "output_tokens": 9, "total_tokens": 39, **COST}.items()


def test_a_call_of_a_tool_begins_with_its_name_and_goes_on_in_pieces() -> None:
    seen = told(*TALK, *CALLS, finish="tool_calls")
    added = [event["item"] for event in seen if event["type"] == "response.output_item.added"]
    assert [(item["type"], item.get("call_id"), item.get("name"), item.get("arguments")) for item in added] == [
        ("message", None, None, None),
        ("function_call", "call_a", "get_weather", ""),
        ("function_call", "call_b", "get_time", ""),
    ]
    pieces = [event for event in seen if event["type"] == "response.function_call_arguments.delta"]
    assert [(event["output_index"], event["item_id"], event["delta"]) for event in pieces] == [
        (1, added[1]["id"], '{"city": '),
        (1, added[1]["id"], '"Lisbon"}'),
        (2, added[2]["id"], "{}"),
    ]
    done = [event for event in seen if event["type"] == "response.function_call_arguments.done"]
    assert [(event["name"], event["arguments"]) for event in done] == [
        ("get_weather", '{"city": "Lisbon"}'),
        ("get_time", "{}"),
    ]


def test_calls_told_in_turns_stay_apart() -> None:
    *_, last = told(*TURNS, finish="tool_calls")
    output = last["response"]["output"]
    assert [(item["call_id"], item["arguments"]) for item in output] == [("call_a", '{"x": 1}'), ("call_b", "{}")]


def test_a_text_after_a_call_is_an_item_of_its_own() -> None:
    seen = told(TextPiece("a"), CallBegun(0, "c", "f"), TextPiece("b"), finish="tool_calls")
    deltas = [(event["output_index"], event["delta"]) for event in seen if event["type"].endswith("output_text.delta")]
    assert deltas == [(0, "a"), (2, "b")]


def test_what_a_model_thinks_is_not_said_as_little_as_in_a_whole_answer() -> None:
    assert "hm" not in json.dumps(told(ThinkingPiece("hm"), TextPiece("Four.")))


def test_an_answer_cut_at_its_limit_is_incomplete() -> None:
    *_, item, last = told(*TALK, finish="length")
    assert item["item"]["status"] == "incomplete"
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


def test_an_answer_without_a_word_has_a_beginning_and_an_end() -> None:
    seen = told(finish="refusal")
    assert kinds(seen) == ["created", "in_progress", "incomplete"]
    assert seen[-1]["response"]["incomplete_details"] == {"reason": "content_filter"}


def test_what_the_provider_did_not_count_is_not_counted_here() -> None:
    assert told(*TALK, usage=None)[-1]["response"]["usage"] == COST


def test_a_streamed_response_repeats_what_was_asked() -> None:
    sent = staged(events(*answer(*TALK))).sent("responses", echo={"instructions": "Be brief.", "tools": []})
    assert read(sent)[-1]["response"]["instructions"] == "Be brief."


# Its end


def failing(length: int, **more: Any) -> Staged:
    return staged(events(*answer(*TALK, *CALLS))[:length], failure=cut(), **more)


def test_a_failure_is_a_failed_response_and_an_error_and_nothing_is_done() -> None:
    *said, response, error = read(failing(5).sent("responses"))
    assert not [event for event in said if event["type"].endswith(".done")]
    assert response["type"] == "response.failed"
    assert response["response"]["status"] == "failed"
    assert response["response"]["error"] == {"code": "provider_error", "message": cut().message}
    assert {item["status"] for item in response["response"]["output"]} == {"incomplete"}
    assert (error["type"], error["code"], error["message"]) == ("error", "provider_error", cut().message)
    assert (error["error"]["code"], error["request_id"]) == ("provider_error", "req-1")


def test_an_answer_that_could_not_be_booked_is_not_told_as_whole() -> None:
    lost = LedgerUnavailable("The usage could not be written down.")
    *said, response, error = read(staged(events(*answer(*TALK)), unbookable=lost).sent("responses"))
    assert kinds(said)[-1] == "output_text.delta"
    assert (response["type"], error["code"]) == ("response.failed", "ledger_unavailable")


def test_a_caller_who_leaves_closes_the_answer() -> None:
    stage = staged(events(*answer(*TALK)))
    pieces = stage.pieces("responses")
    next(pieces)
    pieces.close()
    assert stage.telling.closed
    assert stage.booking.ended


@given(ANSWERS, st.data())
def test_a_stream_that_is_cut_anywhere_never_looks_whole(said: list[Delta], data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(said)))
    sent = read(staged(events(*said)[:length], failure=cut()).sent("responses"))
    assert [*kinds(sent)[:2], *kinds(sent)[-2:]] == ["created", "in_progress", "failed", "error"]
    assert not [kind for kind in kinds(sent) if kind.endswith("done") or kind in ("completed", "incomplete")]


# The SDK


@given(ANSWERS)
def test_the_sdk_puts_together_what_it_would_be_told_whole(wire: Wire, said: list[Delta]) -> None:
    stage = staged(events(*said))
    sent = stage.sent("responses")
    seen = responses(wire.sends(sent))
    assert seen["error"] is None
    assert joined(read(sent)) == [said_of_item(item) for item in seen["response"]["output"]]
    expected = whole(stage.live.call, said)
    assert said_of(seen["response"]["output"]) == said_of(expected["output"])
    assert {name: seen["response"][name] for name in ("id", "status", "model")} == {
        name: expected[name] for name in ("id", "status", "model")
    }
    assert {name: seen["response"]["usage"][name] for name in expected["usage"]} | {
        "input_tokens_details": expected["usage"]["input_tokens_details"]
    } == expected["usage"]


def joined(events: list[dict[str, Any]]) -> list[str]:
    """What the pieces of each item are together."""
    items: dict[int, str] = {}
    for event in events:
        if event["type"] == "response.output_item.added":
            items[event["output_index"]] = ""
        elif event["type"].endswith(".delta"):
            items[event["output_index"]] += event["delta"]
    assert [*items] == [*range(len(items))]
    return [*items.values()]


def said_of_item(item: dict[str, Any]) -> str:
    said: str = item["content"][0]["text"] if item["type"] == "message" else item["arguments"]
    return said


def said_of(output: list[dict[str, Any]]) -> list[Any]:
    """What a caller takes from the items, without the fields that a helper of the SDK adds."""
    fields = ("id", "type", "status", "call_id", "name", "arguments")
    texts = [[part["text"] for part in item.get("content") or ()] for item in output]
    return [([item.get(field) for field in fields], text) for item, text in zip(output, texts, strict=True)]


SENT: dict[str, Staged] = {
    "responses.text": staged(events(*answer(*TALK))),
    "responses.calls": staged(events(*answer(*TALK, *CALLS, finish="tool_calls"))),
    "responses.turns": staged(events(*answer(*TURNS, finish="tool_calls"))),
    "responses.short": staged(events(*answer(*TALK, finish="length"))),
    "responses.cut": failing(5),
}


@pytest.fixture(params=[("3", sys.executable), ("2", OLDER)], ids=["openai 3.x", "openai 2.x"], scope="module")
def seen(request: pytest.FixtureRequest, wire: Wire) -> dict[str, Any]:
    """What the user's program saw of every stream, under one major."""
    major, python = request.param
    for name in SENT:
        if name not in wire.streams:
            wire.sends([b": keep-alive\n\n", *SENT[name].sent("responses")], name)
    program = [python, str(Path(stream_clients.__file__)), wire.url, *SENT]
    done = subprocess.run(program, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["sdks"][0].startswith(f"{major}.")
    return told


def test_the_helper_tells_a_text(seen: dict[str, Any]) -> None:
    told = seen["responses.text"]
    assert told["error"] is None
    assert told["kinds"].count("response.output_text.delta") == 2
    assert told["response"]["output"][0]["content"][0]["text"] == "Let me look. 🐿️"
    assert told["response"]["usage"]["cost"] == COST["cost"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("calls", [("call_a", "get_weather", '{"city": "Lisbon"}'), ("call_b", "get_time", "{}")]),
        ("turns", [("call_a", "f", '{"x": 1}'), ("call_b", "g", "{}")]),
    ],
)
def test_the_helper_puts_calls_of_tools_together(seen: dict[str, Any], name: str, expected: list[Any]) -> None:
    output = seen[f"responses.{name}"]["response"]["output"]
    calls = [item for item in output if item["type"] == "function_call"]
    assert [(call["call_id"], call["name"], call["arguments"]) for call in calls] == expected


def test_the_helper_says_what_was_cut_at_its_limit(seen: dict[str, Any]) -> None:
    assert seen["responses.short"]["kinds"][-1] == "response.incomplete"


def test_a_cut_is_an_error_of_the_sdk_and_no_answer(seen: dict[str, Any]) -> None:
    told = seen["responses.cut"]
    assert told["response"] is None
    assert told["error"]["class"] == "APIError"
    assert told["error"]["message"] == cut().message
