"""The platform's own dialect, read into the platform's words and written back out of them."""

import json
from typing import Any

import pytest

from gateway.dialects import native
from llm_core.call import Call
from llm_core.callers import Caller
from llm_core.catalog import PACKAGE, Catalog
from llm_core.errors import InvalidRequest, ParameterNotPriced
from llm_core.gateway import Answer
from llm_core.messages import Embeddings, Message, Reply, Text, ToolCall, Usage

HELLO = {"role": "user", "content": "Hello"}
CALL = Call(Caller("sk-proj-aaaaaaaaaaaa", "ada", frozenset()), "chat", "m", b"")
CATALOG = Catalog(PACKAGE.read_bytes())


def _read(**body: Any) -> Any:
    return native.read(json.dumps({"messages": [HELLO]} | body).encode())


def test_a_conversation_is_read_in_its_order() -> None:
    request = _read(messages=[HELLO, {"role": "assistant", "content": "Yes?"}, HELLO])
    assert request.messages == (
        Message("user", (Text("Hello"),)),
        Message("assistant", (Text("Yes?"),)),
        Message("user", (Text("Hello"),)),
    )


@pytest.mark.parametrize(
    ("body", "system"),
    [
        ({}, ""),
        ({"systemPrompt": "Be brief."}, "Be brief."),
        ({"messages": [HELLO, {"role": "system", "content": "Be kind."}]}, "Be kind."),
        ({"systemPrompt": "Be brief.", "messages": [{"role": "system", "content": "Be kind."}, HELLO]},
         "Be brief.\n\nBe kind."),
        ({"systemPrompt": ""}, ""),
    ],
)  # fmt: skip
def test_instructions_become_one_system_prompt(body: dict[str, Any], system: str) -> None:
    assert _read(**body).system == system


def test_what_the_caller_does_not_say_is_not_decided_here() -> None:
    request = _read()
    assert (request.model, request.max_tokens, request.temperature) == ("generate", None, None)
    assert request.original is None


@pytest.mark.parametrize(("asked", "expected"), [(True, True), (False, False), (None, False)])
def test_who_wants_a_stream_says_so(asked: bool | None, expected: bool) -> None:
    assert _read(stream=asked).stream is expected
    assert _read().stream is False


def test_limits_and_temperature_are_read() -> None:
    request = _read(model="gpt-4", maxTokens=9, temperature=0.0)
    assert (request.model, request.max_tokens, request.temperature) == ("gpt-4", 9, 0.0)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, "messages[0].content"),
        ({"maxTokens": 0}, "maxTokens"),
        ({"maxTokens": "9"}, "maxTokens"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": 2.1}, "temperature"),
        ({"stream": "yes"}, "stream"),
    ],
    ids=str,
)
def test_what_is_not_in_shape_is_refused_by_its_field(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        _read(**body)
    assert refused.value.param == param


def test_a_conversation_needs_something_that_the_user_said() -> None:
    with pytest.raises(InvalidRequest) as refused:
        _read(messages=[{"role": "system", "content": "Be brief."}])
    assert refused.value.param == "messages"


@pytest.mark.parametrize("field", ["max_tokens", "tools", "n", "system"])
def test_another_dialects_field_is_not_known_here(field: str) -> None:
    with pytest.raises(ParameterNotPriced) as refused:
        _read(**{field: 1})
    assert refused.value.param == field


def test_an_answer_is_its_text_and_its_account() -> None:
    usage = Usage(input=10, cache_write_5m=3, cache_read=7, output=5, reasoning=2)
    parts = (Text("Hello "), ToolCall("c1", "f", "{}"), Text("there"))
    reply = Reply("msg_1", "m", parts, "stop", usage)
    shape = native.write(Answer(CALL, CATALOG.model("claude-haiku-4-5"), reply, fallback=False))
    assert (shape["id"], shape["content"]) == (CALL.id, "Hello there")
    assert (shape["model"], shape["provider"]) == ("claude-haiku-4-5", "anthropic")
    assert shape["usage"] == {"inputTokens": 20, "outputTokens": 5, "totalTokens": 25, "estimatedCost": 0.0}


def test_texts_to_embed_are_read_and_have_a_model_of_their_own() -> None:
    assert native.read_embedding(b'{"input": "x"}') == {"model": "embed", "input": "x"}
    assert native.read_embedding(b'{"input": ["x", "y"], "model": "m"}') == {"model": "m", "input": ["x", "y"]}


@pytest.mark.parametrize("body", [{}, {"input": []}, {"input": [1]}, {"input": None}], ids=str)
def test_what_cannot_be_embedded_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        native.read_embedding(json.dumps(body).encode())


def test_vectors_are_written_in_their_order() -> None:
    made = Embeddings([[1.0, 0.0], [0.0, 1.0]], Usage(input=4))
    shape = native.write_embedding(Answer(CALL, CATALOG.model("text-embedding-3-small"), made, fallback=False))
    assert shape["embeddings"] == [[1.0, 0.0], [0.0, 1.0]]
    assert shape["usage"] == {"totalTokens": 4, "estimatedCost": 0.0}
