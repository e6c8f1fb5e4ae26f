"""Anthropic's room: what its SDK puts on the wire, and what comes back in our words."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from llm_core.aws import clients
from llm_core.aws.stage_catalog import catalog
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest
from llm_core.failures import ContextLengthExceeded, ProviderDenied, ProviderFailed, ProviderOverloaded, ProviderTimeout
from llm_core.messages import Image, Message, Reply, Request, Text, Tool, ToolCall, ToolChoice, ToolResult
from llm_core.providers.anthropic import Anthropic
from llm_core.providers.anthropic_words import reply, usage
from llm_core.providers.directory import provider
from tests.conftest import Platform

HELLO = Message("user", (Text("Hello"),))
WEATHER = Tool("get_weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})

USAGE = {"input_tokens": 1, "output_tokens": 1}


def _ask(model: str = "claude-haiku-4-5", timeout: float = 10, **request: Any) -> Reply:
    asked = Request(**{"model": model, "messages": (HELLO,)} | request)
    room = provider("anthropic")
    return room.send(room.body(asked, catalog().model(model), 100), Deadline.after(timeout))


def _body(platform: Platform) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(platform.asked()[-1]["body"])
    return body


def test_a_question_in_anthropics_words(inside: Platform) -> None:
    _ask(system="Be brief.", stop=("END",), end_user="u-1", temperature=0.4)
    assert _body(inside) == {
        "model": "claude-haiku-4-5",
        "max_tokens": 100,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u-1"},
        "temperature": 0.4,
    }


def test_a_temperature_above_one_is_taken_as_one(inside: Platform) -> None:
    _ask(temperature=1.8)
    assert _body(inside)["temperature"] == 1.0


def test_a_temperature_of_zero_is_sent(inside: Platform) -> None:
    _ask(temperature=0.0)
    assert _body(inside)["temperature"] == 0.0


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice("auto"), {"type": "auto"}),
        (ToolChoice("none"), {"type": "none"}),
        (ToolChoice("required", parallel=False), {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice("tool", "get_weather"), {"type": "tool", "name": "get_weather"}),
    ],
)
def test_tools_and_the_choice_among_them(inside: Platform, choice: ToolChoice, wire: dict[str, Any]) -> None:
    _ask(tools=(WEATHER,), tool_choice=choice)
    body = _body(inside)
    assert body["tools"] == [
        {"name": "get_weather", "description": "The weather.", "input_schema": dict(WEATHER.parameters)}
    ]
    assert body["tool_choice"] == wire


def test_a_round_of_tools_and_pictures(inside: Platform) -> None:
    messages = (
        Message("user", (Text("What is it?"), Image(media_type="image/png", data="AAAA"), Image(url="https://a.b/c"))),
        Message("assistant", (ToolCall("toolu_1", "get_weather", '{"city": "Lisbon"}'), ToolCall("toolu_2", "f", ""))),
        Message("user", (ToolResult("toolu_1", "sunny"), ToolResult("toolu_2", "broken", is_error=True))),
    )
    _ask(messages=messages, tools=(WEATHER,))
    sent = _body(inside)["messages"]
    assert [block["source"]["type"] for block in sent[0]["content"][1:]] == ["base64", "url"]
    assert [block["input"] for block in sent[1]["content"]] == [{"city": "Lisbon"}, {}]
    assert [block.get("is_error") for block in sent[2]["content"]] == [None, True]


@pytest.mark.parametrize("arguments", ["{", "[]", '"text"'])
def test_arguments_that_are_no_object_are_the_callers_mistake(inside: Platform, arguments: str) -> None:
    with pytest.raises(InvalidRequest, match="toolu_1"):
        _ask(messages=(HELLO, Message("assistant", (ToolCall("toolu_1", "f", arguments),))))


def test_a_call_for_a_tool_comes_back_with_its_arguments_as_json(inside: Platform) -> None:
    reply = _ask(messages=(Message("user", (Text("Use get_weather for Lisbon"),)),), tools=(WEATHER,))
    assert reply.finish == "tool_calls"
    call = next(part for part in reply.parts if isinstance(part, ToolCall))
    assert isinstance(json.loads(call.arguments)["city"], str)


def test_usage_comes_in_disjoint_buckets(inside: Platform, understudy: Platform) -> None:
    understudy.perform({"text": "ok", "cache_read_tokens": 5, "cache_write_tokens": 7, "output_tokens": 3})
    usage = _ask(messages=(Message("user", (Text("x" * 400),)),)).usage
    sold = inside.sold()[-1]["usage"]
    assert (usage.input, usage.cache_read, usage.cache_write_5m, usage.output) == (sold["input"], 5, 7, 3)


def test_a_refusal_is_said_to_be_one(understudy: Platform, inside: Platform) -> None:
    understudy.order({"kind": "refusal"})
    assert _ask().finish == "refusal"


def test_a_prompt_that_is_too_long_is_told_apart_from_other_refusals(understudy: Platform, inside: Platform) -> None:
    understudy.order({"kind": "context_length"})
    with pytest.raises(ContextLengthExceeded):
        _ask()


def test_what_the_provider_said_about_waiting_is_kept(understudy: Platform, inside: Platform) -> None:
    understudy.order({"kind": "status", "code": 429, "retry_after": 3})
    with pytest.raises(ProviderOverloaded) as failed:
        _ask()
    assert (failed.value.status, failed.value.retry_after_s) == (429, 3)
    assert failed.value.provider_request_id


def test_silence_ends_at_the_time_out(understudy: Platform, inside: Platform) -> None:
    understudy.order({"kind": "silence"})
    with pytest.raises(ProviderTimeout):
        _ask(timeout=0.3)


def test_a_new_key_is_picked_up_at_the_first_401_and_asked_once_more(inside: Platform, understudy: Platform) -> None:
    """Given a key that was read and then replaced; when the old one is refused, then the new one is used."""
    name = inside.environment["ANTHROPIC_API_KEY_REF"].removeprefix("ssm:")
    _ask()
    understudy.order({"kind": "status", "code": 401}, key="understudy")
    try:
        clients.ssm().put_parameter(Name=name, Value="understudy-2", Type="SecureString", Overwrite=True)
        assert _ask().finish == "stop"
    finally:
        clients.ssm().put_parameter(Name=name, Value="understudy", Type="SecureString", Overwrite=True)


def test_a_key_that_is_still_the_same_is_not_tried_again(inside: Platform, understudy: Platform) -> None:
    understudy.order({"kind": "status", "code": 401})
    before = len(inside.asked(10_000))
    with pytest.raises(ProviderDenied):
        _ask()
    assert len(inside.asked(10_000)) == before + 1


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"id": "m", "model": "x", "content": [], "stop_reason": "end_turn", "usage": {}},
        {"id": "m", "model": "x", "content": ["text"], "stop_reason": "end_turn", "usage": USAGE},
        {"id": "m", "model": "x", "content": [{}], "stop_reason": "end_turn", "usage": USAGE},
        {"id": "m", "model": "x", "content": [], "stop_reason": "end_turn", "usage": USAGE | {"input_tokens": "9"}},
        {"id": "m", "model": "x", "content": [], "stop_reason": "end_turn", "usage": USAGE | {"output_tokens": -1}},
        ["a", "list"],
        "a string",
        None,
    ],
    ids=str,
)
def test_an_answer_that_cannot_be_read_is_a_failure_whose_end_is_unknown(answer: Any) -> None:
    room = Anthropic("anthropic")
    with pytest.raises(ProviderFailed) as failed:
        room._legible(room._read, answer)
    assert failed.value.end_unknown


def test_an_answer_that_drips_is_cut_at_the_time_out(inside: Platform) -> None:
    """Given a server that sends a byte every 50 ms for ever; when it has half a second, then it ends in about one."""
    with dripping() as url:
        room = Anthropic("anthropic", secret=inside.environment["ANTHROPIC_API_KEY_REF"], base_url=url)
        began = time.monotonic()
        with pytest.raises(ProviderTimeout):
            room.send({"model": "x", "max_tokens": 1, "messages": []}, Deadline.after(0.5))
        assert time.monotonic() - began < 2


@contextmanager
def dripping() -> Iterator[str]:
    """A server whose every answer begins at once and never ends."""

    class Drip(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            with suppress(OSError):
                while True:
                    self.wfile.write(b" ")
                    time.sleep(0.05)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Drip)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize(
    ("reported", "minutes", "hour"),
    [
        ({"cache_creation_input_tokens": 30}, 30, 0),
        ({"cache_creation_input_tokens": 30, "cache_creation": {"ephemeral_1h_input_tokens": 10}}, 20, 10),
        ({"cache_creation": {"ephemeral_1h_input_tokens": 10}}, 0, 10),
        ({"cache_creation": {"ephemeral_5m_input_tokens": 7}}, 7, 0),
    ],
)
def test_what_was_written_to_the_cache_is_counted_however_it_is_told(
    reported: dict[str, Any], minutes: int, hour: int
) -> None:
    told = usage(USAGE | reported)
    assert (told.cache_write_5m, told.cache_write_1h) == (minutes, hour)


def test_a_prompt_of_no_tokens_is_no_usage() -> None:
    with pytest.raises(ValueError, match="no tokens"):
        usage({"input_tokens": 0, "output_tokens": 5})


def test_a_place_that_a_workspace_decided_has_its_price() -> None:
    message = {"id": "m", "model": "x", "content": [], "stop_reason": "end_turn"}
    assert reply(message | {"usage": USAGE | {"inference_geo": "us"}}).terms == {"inference_geo": "us"}
