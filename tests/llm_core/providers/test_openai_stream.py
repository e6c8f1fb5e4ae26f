"""GPT heard while it writes is GPT heard whole."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from llm_core.deadline import Deadline
from llm_core.deltas import Began, CallBegun, CallPiece, Delta, Finished, TextPiece, ThinkingPiece, Used
from llm_core.messages import Usage
from llm_core.providers.openai_stream import OpenAIReader
from llm_core.providers.streaming import ToldError
from tests.llm_core.providers.test_anthropic_stream import PERFORMANCES, same
from tests.llm_core.providers.upstream import Upstream

TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}}
BODY: dict[str, Any] = {
    "model": "gpt-4.1-mini",
    "max_completion_tokens": 200,
    "messages": [{"role": "user", "content": "What is the weather in Lisbon? " * 20}],
    "tools": [TOOL],
    "stop": ["END"],
}
NOT_OPENAIS = {"thinking", "unknown stop"}  # no such words in its dialect


@pytest.mark.parametrize("performance", sorted(PERFORMANCES.keys() - NOT_OPENAIS))
def test_what_is_heard_piece_by_piece_is_what_comes_whole(upstream: Upstream, performance: str) -> None:
    upstream.perform(**PERFORMANCES[performance])
    told = upstream.told("openai", **BODY)
    assert same(told.heard.reply) == same(upstream.rooms["openai"].send(BODY, Deadline.after(10)))


def test_hidden_reasoning_is_counted_in_both(upstream: Upstream) -> None:
    upstream.perform(text="Four.", output_tokens=9, reasoning_tokens=6)
    told = upstream.told("openai", **BODY)
    assert same(told.heard.reply) == same(upstream.rooms["openai"].send(BODY, Deadline.after(10)))
    assert told.heard.usage == Usage(input=told.heard.usage.input if told.heard.usage else 0, output=9, reasoning=6)


@pytest.mark.parametrize("kind", ["refusal", "content_filter"])
def test_a_refusal_is_one_in_both(upstream: Upstream, kind: str) -> None:
    upstream.order({"kind": kind})
    told = upstream.told("openai", **BODY)
    assert same(told.heard.reply) == same(upstream.rooms["openai"].send(BODY, Deadline.after(10)))
    assert told.heard.finish == "refusal"


def test_so_it_is_when_it_runs_out_of_tokens(upstream: Upstream) -> None:
    upstream.perform(text="word " * 100)
    short = BODY | {"max_completion_tokens": 3}
    told = upstream.told("openai", **short)
    assert same(told.heard.reply) == same(upstream.rooms["openai"].send(short, Deadline.after(10)))
    assert told.heard.finish == "length"


def test_the_caller_of_this_dialect_gets_each_event_as_it_came(upstream: Upstream) -> None:
    """Against the bytes of the provider's own stream; ids and times differ from call to call."""
    upstream.perform(**PERFORMANCES["calls"])
    told = upstream.told("openai", n=2, **BODY)
    asked = {**BODY, "n": 2, "stream": True, "stream_options": {"include_usage": True}}
    headers = {"authorization": "Bearer sk-test-1"}
    direct = upstream.desk.post("/v1/chat/completions", json={"max_tokens": 200, **asked}, headers=headers).content
    assert unnamed(b"".join(event.raw for event in told.events) + b"data: [DONE]\n\n") == unnamed(direct)
    assert same(told.heard.reply)["calls"][0][0] == "get_weather"


def unnamed(stream: bytes) -> bytes:
    return re.sub(rb'(chatcmpl-|call_)[0-9a-f]+|"created":[0-9]+', b"id", stream)


def test_the_callers_own_options_of_the_stream_are_kept(upstream: Upstream) -> None:
    upstream.told("openai", **BODY, stream_options={"include_obfuscation": False})
    body = json.loads(upstream.desk.get("/_understudy/requests?last=1").json()["requests"][0]["body"])
    assert body["stream_options"] == {"include_obfuscation": False, "include_usage": True}


# ------------------------------------------------------------------------------------------------ chunk by chunk


def chunk(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "c1", "model": "gpt", "choices": list(choices), **more}


def says(index: int = 0, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"index": index, "delta": delta, "finish_reason": finish}


def read(*chunks: dict[str, Any]) -> list[Delta]:
    reader = OpenAIReader()
    return [delta for each in chunks for delta in reader.read(json.dumps(each).encode())[1]]


BEGAN = Began("c1", "gpt")


def test_it_begins_once_and_not_with_a_chunk_about_the_prompt() -> None:
    about = {"id": "", "model": "", "choices": [], "prompt_filter_results": []}
    assert read(about, chunk(says(role="assistant")), chunk(says(content="a"))) == [BEGAN, TextPiece("a")]


def test_of_several_answers_the_first_is_heard() -> None:
    found = read(
        chunk(says(0, content="a"), says(1, content="b")), chunk(says(1, "length")), chunk(says(0, finish="stop"))
    )
    assert found == [BEGAN, TextPiece("a"), Finished("stop")]


def test_calls_come_in_pieces_or_at_once() -> None:
    def call(index: int, **more: Any) -> dict[str, Any]:
        return chunk(says(tool_calls=[{"index": index, **more}]))

    found = read(
        call(0, id="t1", type="function", function={"name": "f", "arguments": ""}),
        call(0, function={"arguments": '{"a"'}),
        call(0, function={"arguments": ": 1}"}),
        call(1, id="t2", type="function", function={"name": "g", "arguments": "{}"}),
        call(2, id="t3", type="custom", custom={"name": "h", "input": "x"}),
    )
    assert found == [
        BEGAN,
        CallBegun(0, "t1", "f"),
        CallPiece(0, '{"a"'),
        CallPiece(0, ": 1}"),
        CallBegun(1, "t2", "g"),
        CallPiece(1, "{}"),
    ]


def test_the_account_may_come_alone_or_with_the_end() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2}
    used = Used(Usage(input=7, output=2), {"service_tier": "flex"})
    alone = chunk(usage=usage, service_tier="flex")
    assert read(chunk(says(finish="stop"), usage=None), alone) == [BEGAN, Finished("stop"), used]
    assert read(chunk(says(finish="stop"), usage=usage, service_tier="flex")) == [BEGAN, Finished("stop"), used]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_a_server_that_shows_its_thinking_is_not_silent(field: str) -> None:
    assert read(chunk({"index": 0, "delta": {field: "hm"}})) == [BEGAN, ThinkingPiece("hm")]


def test_the_end_is_a_word_and_no_chunk() -> None:
    reader = OpenAIReader()
    assert reader.read(b"[DONE]") == ({}, ())
    assert reader.ended


def test_a_chunk_without_a_delta_may_still_say_why_it_ends() -> None:
    assert read(chunk({"index": 0, "delta": None, "finish_reason": "length"})) == [BEGAN, Finished("length")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"object": "surprise", "surprise": [1, 2, 3]},
        chunk({"delta": {"content": "a"}}),
        chunk(says(content=7)),
        chunk(says(tool_calls=[{"id": "t", "function": {"name": "f"}}])),
    ],
    ids=str,
)
def test_what_is_no_chunk_is_stumbled_over(wrong: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        read(wrong)


@pytest.mark.parametrize("count", [-1, 10**15, "many", {}])
def test_a_count_that_is_none_leaves_the_rest_of_its_chunk(count: object) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": count}
    assert read({**chunk(says(content="a")), "usage": usage}) == [BEGAN, TextPiece("a")]


def test_a_chunk_that_is_stumbled_over_leaves_nothing_behind() -> None:
    reader = OpenAIReader()
    call = {"index": 0, "id": "t", "function": {"name": "f"}}
    with pytest.raises(TypeError):
        reader.read(json.dumps(chunk(says(tool_calls=[call]), says(content=7))).encode())
    assert reader.read(json.dumps(chunk(says(tool_calls=[call]))).encode())[1] == (BEGAN, CallBegun(0, "t", "f"))


def test_an_error_is_told_as_it_came() -> None:
    error = {"error": {"message": "no", "type": "server_error"}}
    with pytest.raises(ToldError) as told:
        read(error)
    assert told.value.data == error
