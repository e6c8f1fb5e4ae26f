"""Claude heard while it writes, directly and on Bedrock, is Claude heard whole."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from llm_core.deadline import Deadline
from llm_core.deltas import Began, CallBegun, CallPiece, Delta, Finished, TextPiece, ThinkingPiece, Used
from llm_core.messages import Reply, ToolCall, Usage
from llm_core.providers.anthropic_stream import AnthropicReader
from llm_core.providers.frames import server_sent
from llm_core.providers.streaming import ToldError
from tests.llm_core.providers.upstream import MODELS, Upstream

ROOMS = ["anthropic", "bedrock"]
WEATHER = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CALLS = [{"name": "get_weather", "arguments": {"city": "Lisbon", "unit": "°C"}}, {"name": "get_time"}]

PERFORMANCES: dict[str, dict[str, Any]] = {
    "text": {"text": "Grüße, 你好 🐿️\n\nand a second paragraph."},
    "cached": {"text": "ok", "cache_read_tokens": 40, "cache_write_tokens": 30, "cache_write_1h_tokens": 20},
    "thinking": {"text": "Four.", "thinking": "Two and two, let me see.", "reasoning_tokens": 6},
    "calls": {"text": "Let me look.", "tool_calls": CALLS},
    "one call": {"tool_calls": [{"name": "get_weather", "arguments": {"city": "Lisbon"}}]},
    "stopped": {"text": "One END two"},
    "no words": {"text": ""},
    "unknown stop": {"text": "Wait", "stop_reason": "pause_turn"},
}


def body(room: str, **more: Any) -> dict[str, Any]:
    question = {"role": "user", "content": "What is the weather in Lisbon? " * 20}
    return {
        "model": MODELS[room],
        "max_tokens": 200,
        "messages": [question],
        "tools": [WEATHER],
        "stop_sequences": ["END"],
        **more,
    }


def same(reply: Reply | None) -> dict[str, Any]:
    """What two answers to one question have in common: not their ids, nor how JSON is spaced."""
    assert reply is not None
    calls = [part for part in reply.parts if isinstance(part, ToolCall)]
    return {
        "model": reply.model,
        "text": "".join(getattr(part, "text", "") for part in reply.parts),
        "calls": [(call.name, json.loads(call.arguments)) for call in calls],
        "finish": reply.finish,
        "usage": reply.usage,
        "terms": reply.terms,
    }


@pytest.mark.parametrize("performance", PERFORMANCES.values(), ids=PERFORMANCES)
@pytest.mark.parametrize("room", ROOMS)
def test_what_is_heard_piece_by_piece_is_what_comes_whole(
    upstream: Upstream, room: str, performance: dict[str, Any]
) -> None:
    upstream.perform(**performance)
    told = upstream.told(room, **body(room))
    whole = upstream.rooms[room].send(body(room), Deadline.after(10))
    assert same(told.heard.reply) == same(whole)
    assert told.heard.usage == told_by_the_understudy(upstream)


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("limit", [3, 200])
def test_so_it_is_when_it_runs_out_of_tokens(upstream: Upstream, room: str, limit: int) -> None:
    upstream.perform(text="word " * 100)
    told = upstream.told(room, **body(room, max_tokens=limit))
    whole = upstream.rooms[room].send(body(room, max_tokens=limit), Deadline.after(10))
    assert same(told.heard.reply) == same(whole)


@pytest.mark.parametrize("room", ROOMS)
def test_a_refusal_is_one_in_both(upstream: Upstream, room: str) -> None:
    upstream.order({"kind": "refusal"})
    told = upstream.told(room, **body(room))
    assert same(told.heard.reply) == same(upstream.rooms[room].send(body(room), Deadline.after(10)))
    assert told.heard.finish == "refusal"


@pytest.mark.parametrize("room", ROOMS)
def test_thinking_is_heard_and_its_signature_is_in_the_events(upstream: Upstream, room: str) -> None:
    upstream.perform(**PERFORMANCES["thinking"])
    told = upstream.told(room, **body(room))
    pieces = [delta.text for event in told.events for delta in event.deltas if isinstance(delta, ThinkingPiece)]
    assert "".join(pieces) == "Two and two, let me see."
    signed = [event.data["delta"]["signature"] for event in told.events if b"signature_delta" in event.raw]
    assert len(signed) == 1
    assert signed[0]


@pytest.mark.parametrize("room", ROOMS)
def test_the_caller_of_this_dialect_gets_each_event_as_it_came(upstream: Upstream, room: str) -> None:
    """Against the bytes of Anthropic's own stream; ids differ from call to call, and Bedrock's begin otherwise."""
    upstream.perform(**PERFORMANCES["thinking"], tool_calls=CALLS)
    told = upstream.told(room, **body(room))
    asked = {**body("anthropic"), "stream": True}
    headers = {"x-api-key": "sk-test-1", "anthropic-version": "2023-06-01"}
    direct = upstream.desk.post("/v1/messages", json=asked, headers=headers).content
    end = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    assert unnamed(b"".join(event.raw for event in told.events) + end) == unnamed(direct)
    for event in told.events:
        (frame,) = server_sent([event.raw])
        assert json.loads(frame.data or b"") == event.data


def unnamed(stream: bytes) -> bytes:
    named = re.sub(rb"(msg_bdrk_01|msg_01|toolu_01|understudy-)[0-9a-f]{24,}", b"id", stream)
    return re.sub(rb'"model":"[^"]+"', b"", named)


def told_by_the_understudy(upstream: Upstream) -> Usage:
    return Usage(**upstream.sold()["usage"])


# ------------------------------------------------------------------------------------------------ event by event


def read(*events: dict[str, Any]) -> list[tuple[Delta, ...]]:
    reader = AnthropicReader()
    return [reader.read(json.dumps(event).encode())[1] for event in events]


START = {"type": "message_start", "message": {"id": "msg_1", "model": "claude", "usage": {"input_tokens": 7}}}


def test_an_opening_says_who_answers() -> None:
    assert read(START) == [(Began("msg_1", "claude"),)]


def test_counts_that_the_last_event_leaves_out_stand_in_the_first() -> None:
    first = {"input_tokens": 7, "cache_read_input_tokens": 5, "output_tokens": 1, "inference_geo": "us"}
    last = {"output_tokens": 9, "input_tokens": None}
    (_, told) = read(
        {"type": "message_start", "message": {"id": "msg_1", "model": "claude", "usage": first}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": last},
    )
    assert told == (Used(Usage(input=7, cache_read=5, output=9), {"inference_geo": "us"}), Finished("stop"))


def test_the_count_at_the_beginning_is_no_account() -> None:
    assert read(START, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}})[1] == (Finished("stop"),)


def test_calls_are_counted_among_themselves_and_one_without_arguments_has_an_empty_object() -> None:
    def start(index: int, **block: Any) -> dict[str, Any]:
        return {"type": "content_block_start", "index": index, "content_block": block}

    def more(index: int, **delta: Any) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": index, "delta": delta}

    def stop(index: int) -> dict[str, Any]:
        return {"type": "content_block_stop", "index": index}

    found = read(
        start(0, type="text", text=""),
        more(0, type="text_delta", text="Hm"),
        stop(0),
        start(1, type="tool_use", id="t1", name="f", input={}),
        more(1, type="input_json_delta", partial_json=""),
        stop(1),
        start(2, type="server_tool_use", id="s1", name="web_search", input={}),
        more(2, type="input_json_delta", partial_json='{"query": "x"}'),
        stop(2),
        start(3, type="tool_use", id="t2", name="g", input={}),
        more(3, type="input_json_delta", partial_json='{"a": 1}'),
        stop(3),
    )
    assert [delta for deltas in found for delta in deltas] == [
        TextPiece("Hm"),
        CallBegun(0, "t1", "f"),
        CallPiece(0, "{}"),
        CallBegun(1, "t2", "g"),
        CallPiece(1, '{"a": 1}'),
    ]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "ping"},
        {"type": "something_new", "of": ["theirs"]},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": {}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "redacted_thinking", "data": "x"}},
    ],
    ids=str,
)
def test_what_only_its_own_dialect_has_words_for_says_nothing(event: dict[str, Any]) -> None:
    assert read(event) == [()]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 7}},
        {"type": "content_block_delta", "surprise": [1]},
        {"type": "message_start", "message": {}},
        {},
    ],
    ids=str,
)
def test_what_is_no_event_is_stumbled_over(event: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        read(event)


@pytest.mark.parametrize("count", [-1, 10**15, "many", {}])
def test_a_count_that_is_none_leaves_the_reason_to_stop(count: object) -> None:
    event = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": count}}
    assert read(event) == [(Finished("stop"),)]


def test_an_error_is_told_as_it_came() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with pytest.raises(ToldError) as told:
        read(error)
    assert told.value.data == error
