"""An answer told in Anthropic's events: GPT's in its words, Claude's own as it came, each under our id and price."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.dialects import anthropic_messages
from llm_core.deltas import Event
from llm_core.errors import LedgerUnavailable
from llm_core.messages import Usage
from llm_core.providers.anthropic_stream import AnthropicReader
from tests.functions.gateway.dialects.conftest import Wire
from tests.functions.gateway.dialects.lives import (
    CALLS,
    CLAUDE,
    GPT,
    TALK,
    answer,
    cut,
    events,
    passed,
    read,
    staged,
    whole,
)
from tests.functions.gateway.dialects.stream_clients import anthropics

COST = {"cost": 0.001020108, "cost_details": {"upstream_inference_cost": 0.001000105}}
COUNTED = {"input_tokens": 9, "cache_read_input_tokens": 3, "output_tokens": 5, "server_tool_use": None}


def raw(event: dict[str, Any]) -> bytes:
    """As Anthropic writes it, with its own spaces."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def claudes(*told: dict[str, Any]) -> list[Event]:
    """Claude's own events, as its room reads them."""
    return passed([*map(raw, told), raw({"type": "message_stop"})], AnthropicReader())


def block(index: int, content: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": content},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


START: dict[str, Any] = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5-20251001",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**COUNTED, "output_tokens": 1},
        "container": None,
    },
}
THOUGHT = block(
    0,
    {"type": "thinking", "thinking": "", "signature": ""},
    {"type": "thinking_delta", "thinking": "hm"},
    {"type": "signature_delta", "signature": "c2ln"},
)
SAID = block(
    1, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Four"}, {"type": "text_delta", "text": "."}
)
NEW = block(2, {"type": "something_new", "deep": [1.5, None]}, {"type": "new_delta", "é": "\u2028"})
END = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn", "stop_sequence": None, "stop_details": None},
    "usage": COUNTED,
    "context_management": {"applied_edits": []},
}
OWN = [START, {"type": "ping"}, *THOUGHT, *SAID, *NEW, END]


# Another family's answer


def test_an_answer_is_told_in_the_events_that_the_sdk_puts_together() -> None:
    stage = staged(events(*answer(*TALK, *CALLS, finish="tool_calls")), "openai")
    expected = whole(anthropic_messages, answer(*TALK, *CALLS, finish="tool_calls"), "openai")
    told = read(stage.sent("anthropic"))
    head = {"id": stage.live.call.id, "type": "message", "role": "assistant", "model": GPT.model, "content": []}
    unknown = {"stop_reason": None, "stop_sequence": None, "usage": anthropic_messages.usage(Usage())}
    assert told == [
        {"type": "message_start", "message": {**head, **unknown}},
        *block(
            0,
            {"type": "text", "text": ""},
            {"type": "text_delta", "text": "Let me "},
            {"type": "text_delta", "text": "look. 🐿️"},
        ),
        *block(
            1,
            {"type": "tool_use", "id": "call_a", "name": "get_weather", "input": {}},
            {"type": "input_json_delta", "partial_json": '{"city": '},
            {"type": "input_json_delta", "partial_json": '"Lisbon"}'},
        ),
        *block(
            2,
            {"type": "tool_use", "id": "call_b", "name": "get_time", "input": {}},
            {"type": "input_json_delta", "partial_json": "{}"},
        ),
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use", "stop_sequence": None},
            "usage": expected["usage"],
        },
        {"type": "message_stop"},
    ]


def test_every_event_is_named() -> None:
    for piece in staged(events(*answer(*TALK, *CALLS)), "openai").sent("anthropic"):
        name, data = piece.splitlines()[:2]
        assert name.decode() == f"event: {json.loads(data.removeprefix(b'data: '))['type']}"


def test_an_answer_without_a_word_begins_and_ends() -> None:
    told = read(staged(events(*answer(finish="refusal")), "openai").sent("anthropic"))
    assert [each["type"] for each in told] == ["message_start", "message_delta", "message_stop"]
    assert told[1]["delta"]["stop_reason"] == "refusal"


def test_what_the_provider_did_not_count_is_not_counted_here() -> None:
    told = read(staged(events(*answer(*TALK, usage=None)), "openai").sent("anthropic"))
    assert told[-2]["usage"] == COST


# Claude's own


def test_claudes_own_events_arrive_byte_for_byte_but_for_names_and_account() -> None:
    stage = staged(claudes(*OWN))
    first, *middle, last, end = stage.sent("anthropic")
    message = {**START["message"], "id": stage.live.call.id, "model": CLAUDE.model}
    assert read([first]) == [{**START, "message": message}]
    assert middle == [raw(event) for event in OWN[1:-1]]
    assert read([last]) == [{**END, "usage": {**COUNTED, **COST}}]
    assert end == b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def test_an_account_of_claudes_that_is_missing_has_the_cost_alone() -> None:
    own = claudes(START, *SAID, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}})
    *_, last, _ = read(staged(own).sent("anthropic"))
    assert last["usage"] == COST


def test_what_comes_after_the_stop_reason_waits_behind_it() -> None:
    own = claudes(START, *SAID, END, {"type": "ping"}, {**END, "usage": {**COUNTED, "output_tokens": 6}})
    told = read(staged(own).sent("anthropic"))
    assert [each["type"] for each in told[-4:]] == ["message_delta", "ping", "message_delta", "message_stop"]
    assert told[-2]["usage"] == {**COUNTED, "output_tokens": 6, **COST}


# Its end


ANSWERS = {
    "GPT's": (events(*answer(*TALK, *CALLS, finish="tool_calls")), "openai"),
    "Claude's": (claudes(*OWN), "anthropic"),
}


@pytest.mark.parametrize(("told", "provider"), ANSWERS.values(), ids=ANSWERS)
def test_a_stop_reason_leaves_only_when_the_answer_is_paid(told: list[Event], provider: str) -> None:
    stage = staged(told, provider)
    for piece in stage.pieces("anthropic"):
        assert stage.booking.ended or not (b"message_delta" in piece or b"message_stop" in piece or b'"cost"' in piece)


@pytest.mark.parametrize(("told", "provider"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_breaks_off_anywhere_ends_in_an_error_and_never_looks_whole(
    wire: Wire, told: list[Event], provider: str
) -> None:
    for length in range(len(told) + 1):
        *said, failure = staged(told[:length], provider, failure=cut()).sent("anthropic")
        assert not {"message_delta", "message_stop"} & {each["type"] for each in read(said)}
        assert failure.startswith(b"event: error\n")
        assert read([failure])[0]["error"]["code"] == "provider_error"
        seen = anthropics(wire.sends([*said, failure]))
        assert seen["message"] is None
        assert seen["error"]["body"]["error"]["message"] == cut().message
        assert seen["error"]["body"]["request_id"] == "req-1"


def test_an_answer_that_could_not_be_booked_is_not_told_as_whole() -> None:
    lost = LedgerUnavailable("The usage could not be written down.")
    told = read(staged(events(*answer(*TALK)), "openai", unbookable=lost).sent("anthropic"))
    assert told[-1]["error"]["code"] == "ledger_unavailable"
    assert "message_delta" not in {each["type"] for each in told}


def test_a_caller_who_leaves_closes_the_answer() -> None:
    stage = staged(events(*answer(*TALK)), "openai")
    pieces = stage.pieces("anthropic")
    next(pieces)
    pieces.close()
    assert stage.telling.closed
    assert stage.booking.ended
