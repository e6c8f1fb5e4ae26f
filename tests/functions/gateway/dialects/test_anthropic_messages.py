"""Anthropic's dialect, read into the platform's words and written back out of them."""

import json
from typing import Any

import pytest

from gateway.dialects import anthropic_messages
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
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)

HELLO = {"role": "user", "content": "Hello"}
TOOL = {"name": "f", "input_schema": {"type": "object"}}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}


def _read(**body: Any) -> Any:
    return anthropic_messages.read(json.dumps({"model": "m", "max_tokens": 9, "messages": [HELLO]} | body).encode())


def _user(*blocks: dict[str, Any]) -> Any:
    return _read(messages=[{"role": "user", "content": [*blocks]}]).messages[0].parts


def _assistant(*blocks: dict[str, Any]) -> Any:
    return _read(messages=[HELLO, {"role": "assistant", "content": [*blocks]}]).messages[1].parts


@pytest.mark.parametrize(
    ("system", "expected"),
    [(None, ""), ("Be brief.", "Be brief."),
     ([{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}], "Be brief.\n\nBe kind.")],
)  # fmt: skip
def test_the_system_prompt_is_a_text_or_some(system: Any, expected: str) -> None:
    assert _read(system=system).system == expected


def test_a_message_is_a_text_or_some_blocks() -> None:
    assert _read().messages == (Message("user", (Text("Hello"),)),)
    assert _user({"type": "text", "text": "a"}, {"type": "text", "text": "b"}) == (Text("a"), Text("b"))


def test_pictures_come_inline_or_by_address() -> None:
    by_address = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    assert _user(PICTURE, by_address) == (Image("image/png", "AAAA"), Image(url="https://example.com/a.png"))


@pytest.mark.parametrize(
    ("source", "unseen"),
    [({"type": "text", "media_type": "text/plain", "data": "x"}, False), ({"type": "url", "url": "https://x.y"}, True),
     ({"type": "file", "file_id": "f"}, True), ({"type": "base64", "data": "JVBERi0="}, True)],
    ids=str,
)  # fmt: skip
def test_a_document_is_claudes_and_its_size_is_known_only_as_text(source: dict[str, Any], unseen: bool) -> None:
    assert _user({"type": "document", "source": source}) == (Opaque("document", unseen=unseen),)


def test_a_round_of_tools_is_a_call_and_its_result() -> None:
    called = _assistant({"type": "tool_use", "id": "t1", "name": "f", "input": {"ä": [1.5, None]}})
    result = _user({"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "one"}]})
    failed = _user({"type": "tool_result", "tool_use_id": "t1", "content": "no", "is_error": True})
    silent = _user({"type": "tool_result", "tool_use_id": "t1"})
    assert called == (ToolCall("t1", "f", '{"ä": [1.5, null]}'),)
    assert (*result, *failed, *silent) == (
        ToolResult("t1", "one"),
        ToolResult("t1", "no", is_error=True),
        ToolResult("t1", ""),
    )


def test_a_result_with_a_picture_is_claudes() -> None:
    parts = _user({"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "x"}, PICTURE]})
    assert parts == (Opaque("tool_result", unseen=True),)


@pytest.mark.parametrize("kind", ["thinking", "redacted_thinking", "server_tool_use"])
def test_what_claude_said_and_nobody_else_can_say_is_kept_apart(kind: str) -> None:
    assert _assistant({"type": kind, "signature": "s"}, {"type": "text", "text": "x"}) == (Opaque(kind), Text("x"))


def test_the_original_is_kept_without_what_the_platform_decides() -> None:
    body = {"system": "s", "top_k": 5, "stop_sequences": [], "metadata": None, "stream": False}
    original = _read(models=["m", "o"], **body).original
    assert original.dialect == "anthropic"
    assert original.body == {"messages": [HELLO], "system": "s", "top_k": 5, "stop_sequences": []}


@pytest.mark.parametrize(("asked", "expected"), [(True, True), (False, False), (None, False)])
def test_who_wants_a_stream_says_so(asked: bool | None, expected: bool) -> None:
    assert _read(stream=asked).stream is expected
    assert _read().stream is False


@pytest.mark.parametrize(
    ("body", "only"),
    [
        ({}, ()),
        ({"thinking": {"type": "disabled"}}, ()),
        ({"thinking": {"type": "adaptive"}}, ("thinking",)),
        ({"output_config": {"effort": "low"}}, ("output_config.effort",)),
        ({"tools": [TOOL]}, ()),
        ({"tools": [TOOL, {"type": "bash_20250124", "name": "bash"}]}, ("tools",)),
    ],
    ids=str,
)
def test_what_only_claude_understands_is_noted(body: dict[str, Any], only: tuple[str, ...]) -> None:
    assert _read(**body).original.only == only


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, ToolChoice()),
        ({"type": "auto"}, ToolChoice("auto")),
        ({"type": "any"}, ToolChoice("required")),
        ({"type": "none"}, ToolChoice("none")),
        ({"type": "tool", "name": "f"}, ToolChoice("tool", "f")),
        ({"type": "auto", "disable_parallel_tool_use": True}, ToolChoice("auto", parallel=False)),
    ],
    ids=str,
)
def test_tool_choice(choice: Any, expected: ToolChoice) -> None:
    request = _read(tools=[TOOL], tool_choice=choice)
    assert request.tool_choice == expected
    assert request.tools == (Tool("f", "", {"type": "object"}),)


def test_a_schema_is_what_the_answer_is_held_to() -> None:
    schema = {"type": "object", "properties": {}}
    request = _read(output_config={"format": {"type": "json_schema", "schema": schema}})
    assert request.output == Output(schema=schema)


@pytest.mark.parametrize(
    ("body", "terms"),
    [
        ({}, {}),
        ({"speed": "standard"}, {}),
        ({"speed": "fast"}, {"speed": "fast"}),
        ({"inference_geo": "us"}, {"inference_geo": "us"}),
        ({"service_tier": "standard_only"}, {}),
    ],
    ids=str,
)
def test_a_field_that_changes_the_price_is_a_term(body: dict[str, Any], terms: dict[str, str]) -> None:
    assert _read(**body).terms == terms


def test_tools_that_anthropic_runs_are_bounded_and_tools_at_the_callers_are_not() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    kept = [{"type": f"{kind}_20250124", "name": kind} for kind in ("bash", "text_editor", "computer", "memory")]
    assert _read(tools=[search, *kept]).fee_uses == {"web_search": 3}


def test_two_searches_may_each_be_used_as_often_as_they_may() -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    newer = {"type": "web_search_20260101", "name": "web_search", "max_uses": 4}
    assert _read(tools=[search, newer]).fee_uses == {"web_search": 7}


@pytest.mark.parametrize("kind", ["bash_code_execution_20270101", "text_editor_code_execution_20270101"])
def test_a_tool_that_only_begins_like_one_at_the_callers_is_bounded_too(kind: str) -> None:
    with pytest.raises(ParameterNotPriced):
        _read(tools=[{"type": kind, "name": "x"}])


@pytest.mark.parametrize("kind", ["document", "image", "container_upload", "web_fetch_tool_result", "of_the_future"])
def test_a_file_among_what_claude_said_is_of_unknown_size(kind: str) -> None:
    said = {"type": kind, "source": {"type": "url", "url": "https://example.com/a.pdf"}}
    assert _assistant(said) == (Opaque(kind, unseen=True),)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"temperature": 1.1}, "temperature"),
        ({"stream": "yes"}, "stream"),
        ({"model": ""}, "model"),
        ({"tools": [{"name": "a b", "input_schema": {}}]}, "tools[0].name"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
        ({"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "9h"}}]},
         "system[0].cache_control.ttl"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_in_shape_is_refused_by_its_field(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        _read(**body)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"fallbacks": [{"model": "x"}]}, "fallbacks"),
        ({"context_management": {"edits": [], "more": 1}}, "context_management.more"),
        ({"tools": [{**TOOL, "loading": True}]}, "tools[0].loading"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].max_uses"),
        ({"tools": [{"type": "web_fetch_20250910", "name": "web_fetch"}]}, "tools[0].max_uses"),
    ],
    ids=str,
)
def test_what_may_change_the_price_is_refused_by_its_field(body: dict[str, Any], param: str) -> None:
    with pytest.raises(ParameterNotPriced) as refused:
        _read(**body)
    assert refused.value.param == param


def test_an_unknown_field_that_is_null_passes_and_an_empty_one_does_not() -> None:
    assert _read(container=None).model == "m"
    with pytest.raises(ParameterNotPriced):
        _read(diagnostics={})


def test_a_summary_that_claude_would_write_first_has_no_place_among_what_it_may_forget() -> None:
    edits = [{"type": "clear_thinking_20251015", "keep": "all"}, {"type": "clear_tool_uses_20250919"}]
    assert _read(context_management={"edits": edits}).original.body["context_management"] == {"edits": edits}
    with pytest.raises(InvalidRequest):
        _read(context_management={"edits": [{"type": "compact_20260112"}]})


def test_instructions_in_the_middle_join_those_of_the_beginning() -> None:
    request = _read(system="Be brief.", messages=[HELLO, {"role": "system", "content": "And kind."}])
    assert request.system == "Be brief.\n\nAnd kind."
    assert [message.role for message in request.messages] == ["user"]


def test_what_a_search_of_ones_own_has_found_is_for_claude_only() -> None:
    found = {"type": "search_result", "source": "a.md", "title": "A", "content": [{"type": "text", "text": "a"}]}
    reference = {"type": "tool_reference", "tool_name": "f"}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [found, reference]}
    request = _read(messages=[{"role": "user", "content": [found, result]}])
    assert [(part.kind, part.unseen) for part in request.opaque] == [("search_result", False), ("tool_result", False)]


def test_counting_needs_no_limit_and_takes_what_anthropic_takes_there() -> None:
    body = {"model": "m", "messages": [HELLO], "tools": [TOOL], "speed": "standard"}
    request = anthropic_messages.read_prompt(json.dumps(body).encode())
    assert (request.model, request.max_tokens) == ("m", None)


# Written


def _written(finish: Finish, *parts: Text | ToolCall) -> dict[str, Any]:
    usage = Usage(input=10, cache_write_5m=3, cache_write_1h=1, cache_read=7, output=5, reasoning=2)
    call = Call(Caller("sk-proj-aaaaaaaaaaaa", "ada", frozenset()), "chat", "gpt-4.1", b"")
    model = Catalog(PACKAGE.read_bytes()).model("gpt-4.1")
    return anthropic_messages.write(Answer(call, model, Reply("c", "gpt-4.1", parts, finish, usage), fallback=False))


@pytest.mark.parametrize(
    ("finish", "stop_reason"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("tool_calls", "tool_use"), ("refusal", "refusal")],
)
def test_another_models_answer_is_written_as_a_message(finish: Finish, stop_reason: str) -> None:
    shape = _written(finish, Text("Hello"))
    assert (shape["type"], shape["role"], shape["model"]) == ("message", "assistant", "gpt-4.1")
    assert (shape["stop_reason"], shape["stop_sequence"]) == (stop_reason, None)
    assert shape["content"] == [{"type": "text", "text": "Hello"}]


def test_anthropic_counts_cached_tokens_apart() -> None:
    usage = _written("stop", Text("x"))["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (10, 5)
    assert (usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]) == (4, 7)
    assert usage["cache_creation"] == {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 1}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [('{"a": 1}', {"a": 1}), ("", {}), ('{"a', {"invalid_json": '{"a'}), ("[1]", {"invalid_json": "[1]"})],
)
def test_arguments_become_an_object_and_what_is_none_is_shown(arguments: str, expected: dict[str, Any]) -> None:
    shape = _written("tool_calls", ToolCall("c1", "f", arguments))
    assert shape["content"] == [{"type": "tool_use", "id": "c1", "name": "f", "input": expected}]


def test_what_is_written_is_read_again_as_it_was() -> None:
    content = _written("tool_calls", Text("Let me look."), ToolCall("c1", "f", '{"a": 1}'))["content"]
    assert _assistant(*content) == (Text("Let me look."), ToolCall("c1", "f", '{"a": 1}'))


def test_an_answer_without_words_is_a_message_without_blocks() -> None:
    assert _written("stop")["content"] == []


@pytest.mark.parametrize(
    ("field", "param"),
    [
        ({"tools": [{"type": "web_search_20250305", "name": "w", "max_uses": 1, "turbo": 1}]}, "tools[0].turbo"),
        ({"tools": [{"type": "bash_20250124", "name": "bash", "container": "c"}]}, "tools[0].container"),
        ({"thinking": {"type": "adaptive", "speed": "fast"}}, "thinking.speed"),
    ],
)
def test_a_field_nobody_has_priced_is_refused_inside_known_ones_too(field: dict[str, Any], param: str) -> None:
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hello"}], **field}
    with pytest.raises(ParameterNotPriced) as refused:
        anthropic_messages.read(json.dumps(body).encode())
    assert refused.value.param == param
