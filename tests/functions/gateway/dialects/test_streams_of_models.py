"""Models at the other end of the wire: each dialect's stream of each is what its whole answer says."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

import pytest

from gateway.dialects import anthropic_messages, native, openai_chat
from gateway.keep_alive import KeptAlive
from llm_core import callers, gateway, ledger
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.live import Live
from llm_core.messages import Request
from llm_core.money import nano
from tests.conftest import Platform, fresh
from tests.functions.gateway.dialects.conftest import Wire
from tests.functions.gateway.dialects.lives import DIALECTS, read
from tests.functions.gateway.dialects.stream_clients import anthropics, openais
from tests.functions.gateway.dialects.test_streams import of_completion, of_message

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
HELLO = {"role": "user", "content": "What is the weather in Lisbon, and what time is it?"}
CALLS = [{"name": "get_weather", "arguments": {"city": "Lisbon", "unit": "°C"}}, {"name": "get_time", "arguments": {}}]
MODELS = ["claude-haiku-4-5", "gpt-4.1-mini"]
PERFORMANCES: dict[str, dict[str, Any]] = {
    "text": {"text": "Grüße, 你好 🐿️\n\nand more."},
    "calls": {"text": "Let me look.", "tool_calls": CALLS},
    "only calls": {"tool_calls": CALLS},
    "thoughts": {"text": "Four.", "thinking": "Two and two, let me see.", "reasoning_tokens": 6},
    "cut by max_tokens": {"text": "word " * 300},
}


@pytest.fixture
def caller(inside: Platform, understudy: Platform) -> Caller:
    return callers.identify(inside.key)


def asked(dialect: str, model: str) -> Request:
    """A request as this dialect's callers send it."""
    body: dict[str, Any] = {"model": model, "messages": [HELLO], "stream": True}
    match dialect:
        case "openai":
            functions = [{"name": name, "parameters": CITY} for name in ("get_weather", "get_time")]
            tools: list[Any] = [{"type": "function", "function": function} for function in functions]
            body |= {"max_tokens": 60, "tools": tools, "stream_options": {"include_usage": True}}
            return openai_chat.read(json.dumps(body).encode())
        case "anthropic":
            tools = [
                {"name": "get_weather", "input_schema": CITY},
                {"name": "get_time", "input_schema": {"type": "object"}},
            ]
            return anthropic_messages.read(json.dumps({**body, "max_tokens": 60, "tools": tools}).encode())
    return native.read(json.dumps({**body, "maxTokens": 60}).encode())


def streamed(dialect: str, request: Request, caller: Caller) -> tuple[Live, list[bytes]]:
    room = DIALECTS[dialect]
    kept = KeptAlive(
        lambda: gateway.stream(request, caller, Deadline.after(20)),
        lambda live: room.stream(live, request),
        partial(room.failed, request_id="req-1"),
    )
    live = kept.begun(10)
    assert live is not None
    return live, [*kept]


def alike(told: Any) -> Any:
    """Without what differs from call to call: ids and signatures. A model's JSON is read: spaces mean nothing in it."""
    match told:
        case {"calls": calls, "message": [role, text, refusal]}:
            read = [(name, json.loads(arguments)) for _, name, arguments in calls]
            return {**told, "calls": read, "message": [role, text or None, refusal]}
        case {"content": blocks}:
            kept = [{name: block[name] for name in block if name not in ("id", "signature")} for block in blocks]
            return {**told, "content": kept}


@pytest.mark.parametrize("name", PERFORMANCES)
@pytest.mark.parametrize("model", MODELS)
def test_an_openai_client_hears_what_it_would_be_told_whole(
    wire: Wire, caller: Caller, understudy: Platform, model: str, name: str
) -> None:
    understudy.perform(PERFORMANCES[name])
    request = asked("openai", model)
    live, pieces = streamed("openai", request, caller)
    answer = openai_chat.write(gateway.answer(request, caller, Deadline.after(20)))
    seen = openais(wire.sends(pieces))["completion"]
    assert alike(of_completion(seen)) == alike(of_completion(answer))
    assert (seen["id"], seen["model"]) == (live.call.id, answer["model"])
    assert nano(str(seen["usage"]["cost"])) == ledger.find(caller.user_id, live.call.id)["charged"]


@pytest.mark.parametrize("name", PERFORMANCES)
@pytest.mark.parametrize("model", MODELS)
def test_an_anthropic_client_hears_what_it_would_be_told_whole(
    wire: Wire, caller: Caller, understudy: Platform, model: str, name: str
) -> None:
    understudy.perform(PERFORMANCES[name])
    request = asked("anthropic", model)
    live, pieces = streamed("anthropic", request, caller)
    answer = anthropic_messages.write(gateway.answer(request, caller, Deadline.after(20)))
    seen = anthropics(wire.sends(pieces))
    assert alike(of_message(seen["message"], seen["usage"])) == alike(of_message(answer, answer["usage"]))
    assert (seen["message"]["id"], seen["message"]["model"]) == (live.call.id, answer["model"])


@pytest.mark.parametrize("model", MODELS)
def test_the_platforms_own_client_too(caller: Caller, understudy: Platform, model: str) -> None:
    understudy.perform(PERFORMANCES["text"])
    request = asked("native", model)
    live, pieces = streamed("native", request, caller)
    answer = native.write(gateway.answer(request, caller, Deadline.after(20)))
    *texts, account, end = read(pieces)
    told = {**account, "content": "".join(text["content"] for text in texts)}
    assert {**told, "id": "", "latencyMs": 0} == {**answer, "id": "", "latencyMs": 0}
    assert (account["id"], end) == (live.call.id, "[DONE]")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("family", ["claude", "gpt"])
def test_a_provider_that_breaks_off_is_told_in_band_with_what_it_cost(
    caller: Caller, understudy: Platform, dialect: str, family: str
) -> None:
    model = fresh(family)
    understudy.order({"kind": "cut", "after_events": 5}, model=model)
    live, pieces = streamed(dialect, asked(dialect, model), caller)
    error = read(pieces)[-1]
    told = error if dialect == "native" else error["error"]
    assert told["code"] == "provider_error"
    assert nano(told["cost"]) == ledger.find(caller.user_id, live.call.id)["charged"] > 0
    assert not {b"[DONE]", b"message_stop"} & set(b"".join(pieces).split())


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_who_leaves_while_it_is_told_is_charged_and_the_provider_is_told(
    caller: Caller, understudy: Platform, dialect: str
) -> None:
    model = fresh("claude")
    understudy.order({"kind": "stall", "after_events": 6}, model=model)
    request = asked(dialect, model)
    live = gateway.stream(request, caller, Deadline.after(20))
    body = KeptAlive(lambda: live, lambda live: DIALECTS[dialect].stream(live, request), lambda _: b"")
    next(body)
    body.close()
    assert ledger.find(caller.user_id, live.call.id)["outcome"] == "cancelled"
    until = time.monotonic() + 5
    while [sale for sale in understudy.sold() if sale["model"] == model and sale["open"]]:
        assert time.monotonic() < until, "the provider goes on for nobody"
        time.sleep(0.01)
