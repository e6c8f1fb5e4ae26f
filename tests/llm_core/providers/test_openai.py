"""OpenAI's room: what its SDK puts on the wire, and what comes back in our words."""

import json
from typing import Any

import pytest

from llm_core.aws.stage_catalog import catalog
from llm_core.deadline import Deadline
from llm_core.failures import ContextLengthExceeded
from llm_core.messages import Image, Message, Reply, Request, Text, Tool, ToolCall, ToolChoice, ToolResult
from llm_core.providers.directory import provider
from llm_core.providers.openai_words import embeddings, reply
from tests.conftest import Platform

HELLO = Message("user", (Text("Hello"),))
WEATHER = Tool("get_weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})


def _ask(**request: Any) -> Reply:
    asked = Request(**{"model": "gpt-4.1-mini", "messages": (HELLO,)} | request)
    room = provider("openai")
    return room.send(room.body(asked, catalog().model("gpt-4.1-mini"), 100), Deadline.after(10))


def _body(platform: Platform) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(platform.asked()[-1]["body"])
    return body


def test_a_question_in_openais_words(inside: Platform) -> None:
    _ask(system="Be brief.", stop=("END",), end_user="u-1", temperature=1.5, top_p=0.9)
    assert _body(inside) == {
        "model": "gpt-4.1-mini",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
        ],
        "max_completion_tokens": 100,
        "service_tier": "default",
        "stop": ["END"],
        "temperature": 1.5,
        "top_p": 0.9,
        "safety_identifier": "u-1",
    }


def test_results_of_tools_are_messages_of_their_own(inside: Platform) -> None:
    messages = (
        Message("user", (Text("Look"), Image(media_type="image/png", data="AAAA"), Image(url="https://a.b/c"))),
        Message("assistant", (Text("I will."), ToolCall("call_1", "get_weather", '{"city": "Lisbon"}'))),
        Message("user", (ToolResult("call_1", "sunny"), Text("And?"))),
    )
    _ask(messages=messages, tools=(WEATHER,), tool_choice=ToolChoice("tool", "get_weather", parallel=False))
    body = _body(inside)
    assert [part["image_url"]["url"] for part in body["messages"][0]["content"][1:]] == [
        "data:image/png;base64,AAAA",
        "https://a.b/c",
    ]
    assert body["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"city": "Lisbon"}'
    assert [message["role"] for message in body["messages"][2:]] == ["tool", "user"]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}
    assert body["parallel_tool_calls"] is False


def test_a_call_for_a_tool_comes_back(inside: Platform) -> None:
    reply = _ask(messages=(Message("user", (Text("Use get_weather for Lisbon"),)),), tools=(WEATHER,))
    assert reply.finish == "tool_calls"
    assert any(isinstance(part, ToolCall) and part.name == "get_weather" for part in reply.parts)


def test_usage_comes_in_disjoint_buckets(inside: Platform, understudy: Platform) -> None:
    understudy.perform({"text": "ok", "cache_read_tokens": 5, "output_tokens": 9, "reasoning_tokens": 4})
    usage = _ask(messages=(Message("user", (Text("x" * 400),)),)).usage
    sold = inside.sold()[-1]["usage"]
    assert (usage.input, usage.cache_read, usage.output, usage.reasoning) == (sold["input"], 5, 9, 4)


def test_a_refusal_is_said_to_be_one(understudy: Platform, inside: Platform) -> None:
    understudy.order({"kind": "refusal"})
    reply = _ask()
    assert reply.finish == "refusal"
    assert reply.parts


def test_a_prompt_that_is_too_long_is_told_apart_from_other_refusals(understudy: Platform, inside: Platform) -> None:
    understudy.order({"kind": "context_length"})
    with pytest.raises(ContextLengthExceeded):
        _ask()


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"index": 0, "embedding": []}],
        [{"index": 0, "embedding": [1.0]}],
        [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [float("nan")]}],
        [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [10**400]}],
    ],
    ids=["none", "empty", "too few", "not a number", "too large"],
)
def test_vectors_that_are_none_are_not_passed_on(rows: list[dict[str, Any]]) -> None:
    with pytest.raises((ValueError, OverflowError)):
        embeddings({"data": rows, "usage": {"prompt_tokens": 2}}, inputs=2)


def test_a_tier_that_is_no_word_is_no_term_of_the_price() -> None:
    choice = {"message": {"content": "x"}, "finish_reason": "stop"}
    told = {"id": "c", "model": "m", "choices": [choice], "usage": {"prompt_tokens": 1, "completion_tokens": 1.0}}
    assert reply(told | {"service_tier": ["x"]}).terms is None
