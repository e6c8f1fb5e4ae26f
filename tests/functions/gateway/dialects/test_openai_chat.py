"""OpenAI's chat dialect, read into the platform's words and written back out of them."""

import json
from typing import Any

import pytest

from gateway.dialects import openai_chat
from llm_core.call import Call
from llm_core.callers import Caller
from llm_core.catalog import PACKAGE, Catalog
from llm_core.errors import InvalidRequest, ParameterNotPriced
from llm_core.gateway import Answer
from llm_core.messages import (
    Finish,
    Image,
    Message,
    Opaque,
    Output,
    Reply,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)

HELLO = {"role": "user", "content": "Hello"}


def _read(**body: Any) -> Any:
    return openai_chat.read(json.dumps({"model": "m", "messages": [HELLO]} | body).encode())


def test_instructions_become_one_system_prompt_wherever_they_stand() -> None:
    request = _read(
        messages=[
            {"role": "system", "content": "Be brief."},
            HELLO,
            {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        ]
    )
    assert request.system == "Be brief.\n\nBe kind."
    assert request.messages == (Message("user", (Text("Hello"),)),)


def test_pictures_come_inline_or_by_address() -> None:
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
    ]
    request = _read(messages=[{"role": "user", "content": parts}])
    assert request.messages[0].parts[1:] == (
        Image(media_type="image/png", data="AAAA"),
        Image(url="https://example.com/a.png"),
    )


def test_a_round_of_tools_becomes_one_call_and_one_message_of_results() -> None:
    function = {"name": "f", "arguments": '{"a": 1}'}
    request = _read(
        messages=[
            HELLO,
            {
                "role": "assistant",
                "content": None,
                "refusal": None,
                "annotations": [],
                "tool_calls": [{"id": each, "type": "function", "function": function} for each in ("c1", "c2")],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "one"},
            {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "two"}]},
            {"role": "user", "content": "And now?"},
        ]
    )
    assert request.messages[1] == Message(
        "assistant", (ToolCall("c1", "f", '{"a": 1}'), ToolCall("c2", "f", '{"a": 1}'))
    )
    assert request.messages[2] == Message("user", (ToolResult("c1", "one"), ToolResult("c2", "two")))
    assert request.messages[3] == Message("user", (Text("And now?"),))


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("tool", "f")),
    ],
)
def test_tool_choice(choice: Any, expected: ToolChoice) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert _read(tools=tools, tool_choice=choice).tool_choice == expected


def test_one_tool_at_a_time_when_the_caller_says_so() -> None:
    assert _read(parallel_tool_calls=False).tool_choice.parallel is False


@pytest.mark.parametrize(
    "idle",
    [{"n": 1}, {"stream": False}, {"logprobs": False}, {"presence_penalty": 0}, {"response_format": {"type": "text"}},
     {"stop": None}, {"seed": 7}, {"metadata": {"a": "b"}}, {"service_tier": "auto"}, {"logit_bias": {}}],
    ids=str,
)  # fmt: skip
def test_a_field_that_asks_for_nothing_passes(idle: dict[str, Any]) -> None:
    assert _read(**idle).model == "m"


@pytest.mark.parametrize(
    ("fields", "stream", "account"),
    [
        ({}, False, False),
        ({"stream": None, "stream_options": None}, False, False),
        ({"stream": True}, True, False),
        ({"stream": True, "stream_options": {"include_usage": False, "include_obfuscation": False}}, True, False),
        ({"stream": True, "stream_options": {"include_usage": True}}, True, True),
    ],
    ids=str,
)
def test_who_wants_a_stream_says_so_and_its_account_too(fields: dict[str, Any], stream: bool, account: bool) -> None:
    request = _read(**fields)
    assert (request.stream, request.include_usage) == (stream, account)
    assert not {"stream", "stream_options"} & set(request.original.body)


@pytest.mark.parametrize("stream", [{}, {"stream": False}], ids=str)
def test_options_of_a_stream_without_one_are_refused(stream: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        _read(**stream, stream_options={"include_usage": True})
    assert refused.value.param == "stream_options"


@pytest.mark.parametrize(
    "asked", [{"n": 9}, {"stream": "yes"}, {"store": True}, {"modalities": ["audio"]}, {"temperature": 3}], ids=str
)
def test_a_known_field_that_asks_for_too_much_is_refused_by_its_name(asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        _read(**asked)
    assert str(refused.value.param).startswith(next(iter(asked)))


def test_openai_gets_the_callers_own_body_without_what_is_the_platforms() -> None:
    request = _read(logprobs=True, seed=7, max_tokens=5, service_tier="auto", metadata=None)
    assert request.original is not None
    assert request.original.dialect == "openai"
    assert dict(request.original.body) == {"messages": [HELLO], "logprobs": True, "seed": 7}
    assert request.original.only == ("logprobs",)


def test_a_dearer_tier_of_service_is_a_term_of_the_price() -> None:
    assert _read(service_tier="priority").terms == {"service_tier": "priority"}
    assert _read(service_tier="default").terms == {}


def test_a_chain_of_the_callers_own_names_the_models() -> None:
    request = _read(model="a", models=["a", "b"])
    assert (request.model, request.models) == ("a", ("a", "b"))


def test_a_json_schema_is_kept_for_every_dialect() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    shape = {"type": "json_schema", "json_schema": {"name": "thing", "schema": schema, "strict": True}}
    assert _read(response_format=shape).output == Output("thing", schema)
    assert _read(response_format={"type": "json_object"}).output == Output()


def test_a_file_is_a_part_whose_size_nobody_sees() -> None:
    parts = [{"type": "file", "file": {"file_id": "file-1"}}]
    assert _read(messages=[{"role": "user", "content": parts}]).messages[0].parts == (Opaque("file", unseen=True),)


def test_an_unknown_field_has_no_price() -> None:
    with pytest.raises(ParameterNotPriced) as refused:
        _read(web_search_options={"search_context_size": "high"})
    assert refused.value.param == "web_search_options"


def _written(finish: Finish, *parts: Text | ToolCall) -> dict[str, Any]:
    usage = Usage(input=10, cache_write_5m=3, cache_read=7, output=5, reasoning=2)
    reply = Reply("msg_1", "claude-haiku-4-5", parts, finish, usage)
    call = Call(Caller("sk-proj-aaaaaaaaaaaa", "ada", frozenset()), "chat", "claude-haiku-4-5", b"")
    model = Catalog(PACKAGE.read_bytes()).model("claude-haiku-4-5")
    return openai_chat.write(Answer(call, model, reply, fallback=False))


def test_text_is_written_as_a_chat_completion() -> None:
    shape = _written("stop", Text("Hello "), Text("there"))
    assert shape["choices"][0]["message"] == {"role": "assistant", "content": "Hello there", "refusal": None}
    assert shape["choices"][0]["finish_reason"] == "stop"


def test_openai_counts_cached_tokens_as_part_of_the_prompt() -> None:
    usage = _written("stop", Text("x"))["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (20, 5, 25)
    assert usage["prompt_tokens_details"] == {"cached_tokens": 7, "cache_write_tokens": 3}
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 2}
    assert usage["cost"] == 0


def test_tool_calls_keep_their_arguments_as_text() -> None:
    message = _written("tool_calls", ToolCall("c1", "f", '{"a": 1}'))["choices"][0]["message"]
    assert message["content"] is None
    assert message["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}


def test_a_refusal_stands_where_openais_clients_look_for_it() -> None:
    choice = _written("refusal", Text("I will not."))["choices"][0]
    assert choice["message"]["refusal"] == "I will not."
    assert choice["message"]["content"] is None
    assert choice["finish_reason"] == "content_filter"


def test_what_is_written_is_read_again_as_it_was() -> None:
    message = _written("tool_calls", Text("Let me look."), ToolCall("c1", "f", "{}"))["choices"][0]["message"]
    request = _read(messages=[HELLO, message, {"role": "tool", "tool_call_id": "c1", "content": "x"}])
    assert request.messages[1] == Message("assistant", (Text("Let me look."), ToolCall("c1", "f", "{}")))
