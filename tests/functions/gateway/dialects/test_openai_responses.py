"""OpenAI's Responses dialect, read into the platform's words and written back out of them."""

import json
from typing import Any

import pytest

from gateway.dialects import openai_responses
from llm_core.aws.refusals import refusal
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
    Request,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)

HELLO = {"role": "user", "content": "Hello"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "name": "get_weather", "description": "The weather.", "parameters": SCHEMA}


def _read(**body: Any) -> Request:
    return openai_responses.read(json.dumps({"model": "m", "input": "Hello"} | body).encode())


def _refused(**body: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        _read(**body)
    return refused.value


def _at_openai(**body: Any) -> dict[str, Any]:
    """What a provider of OpenAI's dialect gets of it."""
    original = _read(**body).original
    assert original is not None
    assert original.dialect == "openai"
    return dict(original.body)


# Read


def test_a_text_is_what_the_user_says() -> None:
    request = _read(instructions="Be brief.")
    assert request.messages == (Message("user", (Text("Hello"),)),)
    assert request.system == "Be brief."
    assert _at_openai(instructions="Be brief.") == {"messages": [{"role": "system", "content": "Be brief."}, HELLO]}


def test_messages_are_said_with_or_without_their_type() -> None:
    request = _read(
        input=[
            {"role": "developer", "content": [{"type": "input_text", "text": "Be kind."}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
            {"role": "assistant", "content": "Hi."},
            {"type": "message", "role": "user", "content": "How are you?"},
        ]
    )
    assert request.system == "Be kind."
    assert request.messages == (
        Message("user", (Text("Hello"),)),
        Message("assistant", (Text("Hi."),)),
        Message("user", (Text("How are you?"),)),
    )


def test_pictures_come_inline_or_by_address_and_files_are_parts_that_nobody_sees() -> None:
    parts = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
        {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "low"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
    ]
    items = [{"role": "user", "content": parts}]
    assert _read(input=items).messages[0].parts[1:] == (
        Image(media_type="image/png", data="AAAA"),
        Image(url="https://example.com/a.png"),
        Opaque("file", unseen=True),
    )
    assert _at_openai(input=items)["messages"][0]["content"][1:] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
    ]


def test_a_round_of_tools_becomes_one_message_of_calls_and_one_of_results() -> None:
    request = _read(
        input=[
            HELLO,
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me look."}]},
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'},
            {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}", "status": "completed"},
            {"type": "function_call_output", "call_id": "c1", "output": "one"},
            {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "two"}]},
            {"role": "user", "content": "And now?"},
        ]
    )
    assert request.messages[1:] == (
        Message("assistant", (Text("Let me look."), ToolCall("c1", "f", '{"a": 1}'), ToolCall("c2", "f", "{}"))),
        Message("user", (ToolResult("c1", "one"), ToolResult("c2", "two"))),
        Message("user", (Text("And now?"),)),
    )


def test_pictures_that_tools_gave_back_follow_all_results() -> None:
    """OpenAI wants the results right after the calls, and takes only words in them."""
    url = "data:image/png;base64,AAAA"
    picture = [{"type": "input_image", "image_url": url}]
    chat = _at_openai(
        input=[
            HELLO,
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": picture},
            {"type": "function_call_output", "call_id": "c2", "output": "two"},
        ]
    )
    assert chat["messages"][2:] == [
        {"role": "tool", "tool_call_id": "c1", "content": "What it gave back follows."},
        {"role": "tool", "tool_call_id": "c2", "content": "two"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]},
    ]


def test_rounds_that_follow_each_other_stay_apart() -> None:
    round = [
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
    ]
    roles = [message.role for message in _read(input=[HELLO, *round, *round]).messages]
    assert roles == ["user", "assistant", "user", "assistant", "user"]


def test_texts_that_a_model_said_one_after_the_other_are_paragraphs() -> None:
    said = [{"role": "assistant", "content": "One."}, {"role": "assistant", "content": "Two."}]
    assert _read(input=[HELLO, *said]).messages[1].parts == (Text("One.\n\nTwo."),)


def test_functions_are_tools() -> None:
    request = _read(tools=[{**WEATHER, "strict": True}, {"type": "function", "name": "f", "parameters": None}])
    first, second = request.tools
    assert (first.name, first.description, first.parameters, first.strict) == (
        "get_weather",
        "The weather.",
        SCHEMA,
        True,
    )
    assert (second.name, second.parameters, second.strict) == ("f", {"type": "object", "properties": {}}, None)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice("auto", parallel=False)),
        ("none", ToolChoice("none", parallel=False)),
        ("required", ToolChoice("required", parallel=False)),
        ({"type": "function", "name": "get_weather"}, ToolChoice("tool", "get_weather", parallel=False)),
    ],
)
def test_tool_choice(choice: Any, expected: ToolChoice) -> None:
    assert _read(tools=[WEATHER], tool_choice=choice, parallel_tool_calls=False).tool_choice == expected


def test_openai_hears_nothing_of_a_choice_among_no_tools() -> None:
    assert _at_openai(tools=[], tool_choice="auto", parallel_tool_calls=True) == {"messages": [HELLO]}


def test_openai_gets_what_chat_completions_have_words_for() -> None:
    sent = {
        "max_output_tokens": 50,
        "temperature": 0.5,
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"verbosity": "low"},
        "user": "u-1",
        "prompt_cache_key": "k",
        "metadata": {"a": "b"},
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    assert _at_openai(**sent) == {
        "messages": [HELLO],
        "temperature": 0.5,
        "reasoning_effort": "low",
        "verbosity": "low",
        "user": "u-1",
        "prompt_cache_key": "k",
    }
    request = _read(**sent)
    assert (request.max_tokens, request.end_user) == (50, "u-1")
    assert request.original is not None
    assert request.original.only == ("reasoning.effort", "text.verbosity")


def test_a_json_schema_is_kept_for_every_dialect() -> None:
    format = {"type": "json_schema", "name": "thing", "schema": SCHEMA, "strict": True}
    assert _read(text={"format": format}).output == Output("thing", SCHEMA)
    asked = _at_openai(text={"format": format})["response_format"]
    assert asked == {"type": "json_schema", "json_schema": {"name": "thing", "schema": SCHEMA, "strict": True}}


def test_any_json_is_what_only_openai_promises() -> None:
    request = _read(text={"format": {"type": "json_object"}})
    assert request.output == Output()
    assert request.original is not None
    assert request.original.only == ("text.format",)


def test_a_dearer_tier_of_service_is_a_term_of_the_price() -> None:
    assert _read(service_tier="priority").terms == {"service_tier": "priority"}
    assert _read(service_tier="auto").terms == {}


def test_a_chain_of_the_callers_own_names_the_models() -> None:
    request = _read(model="a", models=["a", "b"])
    assert (request.model, request.models) == ("a", ("a", "b"))


def test_a_coding_agents_request_is_served_as_it_stands() -> None:
    """The second turn of a session, in the shape that Codex-like agents send."""
    shell = {"type": "array", "items": {"type": "string"}}
    parameters = {"type": "object", "properties": {"command": shell}, "required": ["command"]}
    tool = {"type": "function", "name": "shell", "description": "Run.", "strict": False, "parameters": parameters}
    request = _read(
        instructions="You are a coding agent.",
        input=[
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "<permissions/>"}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<environment/>"}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Mend the test."}]},
            {"type": "reasoning", "summary": [], "content": None, "encrypted_content": "gAAA"},
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "I look at it."}],
                "phase": "commentary",
            },
            {"type": "function_call", "name": "shell", "arguments": '{"command":["ls"]}', "call_id": "c1"},
            {"type": "function_call", "name": "shell", "arguments": '{"command":["pwd"]}', "call_id": "c2"},
            {"type": "function_call_output", "call_id": "c1", "output": "a.py"},
            {"type": "function_call_output", "call_id": "c2", "output": "/work"},
        ],
        tools=[tool],
        tool_choice="auto",
        parallel_tool_calls=True,
        reasoning=None,
        store=False,
        stream=True,
        include=["reasoning.encrypted_content"],
        prompt_cache_key="0199-a",
        client_metadata={"installation": "0199-b"},
    )
    assert request.stream
    assert request.system == "You are a coding agent.\n\n<permissions/>"
    assert [message.role for message in request.messages] == ["user", "user", "assistant", "user"]
    assert [type(part).__name__ for part in request.messages[2].parts] == ["Text", "ToolCall", "ToolCall"]
    assert request.original is not None
    assert not request.original.only, "every family takes it"


# Refused


@pytest.mark.parametrize("kept", [{"previous_response_id": "resp_1"}, {"conversation": {"id": "conv_1"}}], ids=str)
def test_who_counts_on_what_was_kept_is_told_to_send_it(kept: dict[str, Any]) -> None:
    refused = _refused(**kept)
    assert refused.param == next(iter(kept))
    assert "Send the items of the conversation in `input` instead" in refused.message


def test_an_item_that_was_kept_is_none() -> None:
    assert "Send the items" in _refused(input=[HELLO, {"type": "item_reference", "id": "msg_1"}]).message


@pytest.mark.parametrize("kind", ["web_search", "file_search", "code_interpreter", "mcp", "custom"])
def test_tools_that_are_no_functions_have_no_price(kind: str) -> None:
    refused = _refused(tools=[WEATHER, {"type": kind, "anything": {}}])
    assert isinstance(refused, ParameterNotPriced)
    assert refused.param == "tools[1].type"
    assert kind in refused.message


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"background": True}, "background"),
        ({"truncation": "auto"}, "truncation"),
        ({"include": ["message.output_text.logprobs"]}, "include[0]"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"input": []}, "input"),
        ({"input": [{"role": "system", "content": "Be brief."}]}, "input"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "ftp://a"}]}]},
            "input[0].content[0].image_url",
        ),
        ({"input": [HELLO, {"type": "function_call", "name": "f", "arguments": "{}"}]}, "input[1].call_id"),
        ({"tools": [{"type": "function", "name": "no good"}]}, "tools[0].name"),
        ({"model": ""}, "model"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_by_its_path(asked: dict[str, Any], param: str) -> None:
    assert _refused(**asked).param == param


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"turbo": True}, "turbo"),
        ({"max_tool_calls": 3}, "max_tool_calls"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"reasoning": {"mode": "pro"}}, "reasoning.mode"),
        ({"input": [{"role": "user", "content": "x", "cache": True}]}, "input[0].cache"),
        ({"tools": [{**WEATHER, "defer_loading": True}]}, "tools[0].defer_loading"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://a"}]}]},
         "input[0].content[0].file_url"),
    ],
    ids=str,
)  # fmt: skip
def test_an_unknown_field_has_no_price(asked: dict[str, Any], param: str) -> None:
    refused = _refused(**asked)
    assert isinstance(refused, ParameterNotPriced)
    assert refused.param == param


@pytest.mark.parametrize(
    "idle",
    [{"stream": False}, {"store": True}, {"background": False}, {"truncation": "disabled"}, {"metadata": {"a": "b"}},
     {"previous_response_id": None}, {"include": []}, {"text": {"format": {"type": "text"}}}, {"top_logprobs": 0},
     {"client_metadata": {"x": "y"}}, {"reasoning": {"effort": None, "summary": "auto"}}, {"service_tier": "default"}],
    ids=str,
)  # fmt: skip
def test_a_field_that_asks_for_nothing_passes(idle: dict[str, Any]) -> None:
    request = _read(**idle)
    assert request.model == "m"
    assert request.original is not None
    assert not request.original.only


def test_an_error_names_the_field_as_it_stands_here() -> None:
    error = InvalidRequest("claude-haiku-4-5 writes at most 64000 tokens.", param="max_tokens")
    told = json.loads(refusal(error, openai_responses.refusal, "req-1").body)
    assert told["error"]["param"] == "max_output_tokens"
    assert (told["error"]["code"], told["request_id"]) == ("invalid_request", "req-1")


# Written


def _written(finish: Finish, *parts: Text | ToolCall, **body: Any) -> dict[str, Any]:
    usage = Usage(input=10, cache_write_5m=3, cache_read=7, output=5, reasoning=2)
    reply = Reply("msg_1", "claude-haiku-4-5", parts, finish, usage)
    call = Call(Caller("sk-proj-aaaaaaaaaaaa", "ada", frozenset()), "chat", "m", b"", id="gen-" + "0" * 27, created=7)
    model = Catalog(PACKAGE.read_bytes()).model("claude-haiku-4-5")
    return openai_responses.write(Answer(call, model, reply, fallback=False, limit=4096), _read(**body))


def test_text_is_written_as_one_message() -> None:
    told = _written("stop", Text("Hello "), Text("there"))
    assert (told["object"], told["status"], told["created_at"]) == ("response", "completed", 7)
    assert told["id"] == "resp_" + "0" * 27
    assert told["model"] == "claude-haiku-4-5"
    assert told["output"] == [
        {
            "id": f"msg_{'0' * 27}_0",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hello there", "annotations": [], "logprobs": []}],
        }
    ]
    assert told["error"] is told["incomplete_details"] is None


def test_calls_of_tools_are_items_with_their_arguments_as_text() -> None:
    told = _written("tool_calls", Text("Let me look."), ToolCall("c1", "f", '{"a": 1}'), ToolCall("c2", "g", "{}"))
    assert told["status"] == "completed"
    assert [item["type"] for item in told["output"]] == ["message", "function_call", "function_call"]
    assert [item["id"].rpartition("_")[2] for item in told["output"]] == ["0", "1", "2"]
    assert told["output"][1] == {
        "id": f"fc_{'0' * 27}_1",
        "type": "function_call",
        "status": "completed",
        "call_id": "c1",
        "name": "f",
        "arguments": '{"a": 1}',
    }


def test_what_is_cut_at_its_limit_says_so() -> None:
    told = _written("length", Text("Hello"), ToolCall("c1", "f", '{"a'))
    assert (told["status"], told["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert told["completed_at"] is None
    assert [item["status"] for item in told["output"]] == ["completed", "incomplete"]


def test_a_refusal_stands_where_openais_clients_look_for_it() -> None:
    told = _written("refusal", Text("I will not."))
    assert (told["status"], told["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})
    assert told["output"][0]["content"] == [{"type": "refusal", "refusal": "I will not."}]
    assert _written("refusal")["output"] == []


def test_openai_counts_cached_tokens_as_part_of_the_prompt() -> None:
    assert _written("stop", Text("x"))["usage"] == {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 3},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 25,
        "cost": 0,
        "cost_details": {"upstream_inference_cost": 0},
    }


def test_a_response_repeats_what_was_asked() -> None:
    asked: dict[str, Any] = {
        "instructions": "Be brief.",
        "tools": [WEATHER],
        "tool_choice": {"type": "function", "name": "get_weather"},
        "parallel_tool_calls": False,
        "temperature": 0.5,
        "top_p": 0.9,
        "metadata": {"a": "b"},
        "user": "u-1",
    }
    told = _written("stop", Text("x"), **asked, store=True, reasoning={"effort": "low", "summary": "auto"})
    assert told.items() >= asked.items()
    assert told["store"] is False, "nothing is kept, whatever was wished"
    assert told["reasoning"] == {"effort": "low", "summary": None}
    assert told["max_output_tokens"] == 4096, "what the model was allowed to write"


def test_a_response_says_what_holds_where_nothing_was_asked() -> None:
    told = _written("stop", Text("x"))
    assert (told["tools"], told["tool_choice"], told["parallel_tool_calls"]) == ([], "auto", True)
    assert (told["text"], told["metadata"], told["truncation"]) == ({"format": {"type": "text"}}, {}, "disabled")


def test_what_is_written_is_read_again_as_it_was() -> None:
    output = _written("tool_calls", Text("Let me look."), ToolCall("c1", "f", "{}"))["output"]
    request = _read(input=[HELLO, *output, {"type": "function_call_output", "call_id": "c1", "output": "x"}])
    assert request.messages[1] == Message("assistant", (Text("Let me look."), ToolCall("c1", "f", "{}")))
