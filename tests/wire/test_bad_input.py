"""Bad input gets a clear 4xx in OpenAI's shape, reaches no provider and is charged to nobody."""

import json
import secrets
from typing import Any

import httpx2
import pytest

from llm_core import keys
from llm_core.aws import clients
from tests.conftest import Platform

HELLO = {"role": "user", "content": "Hello"}


def _body(**changed: Any) -> bytes:
    return json.dumps({"model": "claude-haiku-4-5", "messages": [HELLO]} | changed).encode()


BAD: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "half a body": (_body()[:-5], 400),
    "a list": (b"[]", 400),
    "null": (b"null", 400),
    "not utf-8": (b'{"model": "\xff\xfe"}', 400),
    "lone surrogate": (b'{"model":"claude-haiku-4-5","messages":[{"role":"user","content":"\\ud800"}]}', 400),
    "NaN": (b'{"model":"claude-haiku-4-5","messages":[],"temperature":NaN}', 400),
    "a hundred thousand brackets": (b"[" * 100_000, 400),
    "a number of ten thousand digits": (b'{"model": ' + b"9" * 10_000 + b"}", 400),
    "no model": (json.dumps({"messages": [HELLO]}).encode(), 400),
    "no messages": (_body(messages=[]), 400),
    "only instructions": (_body(messages=[{"role": "system", "content": "Be kind."}]), 400),
    "messages is text": (_body(messages="Hello"), 400),
    "unknown role": (_body(messages=[{"role": "wizard", "content": "Hello"}]), 400),
    "content is a number": (_body(messages=[{"role": "user", "content": 7}]), 400),
    "unknown part": (_body(messages=[{"role": "user", "content": [{"type": "smell", "smell": "x"}]}]), 400),
    "image from a file": (
        _body(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/x"}}]}]),
        400,
    ),
    "temperature as text": (_body(temperature="warm"), 400),
    "temperature below zero": (_body(temperature=-1), 400),
    "max_tokens zero": (_body(max_tokens=0), 400),
    "max_tokens beyond the model": (_body(max_tokens=10**9), 400),
    "max_tokens as a boolean": (_body(max_tokens=True), 400),
    "two different limits": (_body(max_tokens=1, max_completion_tokens=2), 400),
    "a stream that is neither wanted nor not": (_body(stream="yes"), 400),
    "two answers": (_body(n=2), 400),
    "a tool without a name": (_body(tools=[{"type": "function", "function": {}}]), 400),
    "a tool with a strange name": (_body(tools=[{"type": "function", "function": {"name": "rm -rf"}}]), 400),
    "a provider's own tool": (_body(tools=[{"type": "web_search_20260101", "name": "web_search"}]), 400),
    "a priced field": (_body(service_tier="priority"), 400),
    "an unknown field": (_body(turbo=1), 400),
    "a cache marker": (_body(messages=[HELLO | {"cache_control": {"type": "ephemeral"}}]), 400),
    "arguments that are no JSON": (
        _body(
            messages=[
                HELLO,
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}],
                },
                {"role": "tool", "tool_call_id": "c", "content": "x"},
            ]
        ),
        400,
    ),
    "sampling where there is none": (_body(model="claude-opus-4-7", temperature=0.5), 400),
    "unknown model": (_body(model="gpt-99"), 404),
    "a model's name of a megabyte": (_body(model="x" * 1_000_000), 404),
    "seven megabytes": (_body(messages=[{"role": "user", "content": "x" * 7_000_000}]), 413),
    "eleven megabytes": (_body(messages=[{"role": "user", "content": "x" * 11_000_000}]), 413),
}


@pytest.fixture
def stranger(inside: Platform) -> tuple[Platform, str, str]:
    """A user nobody has seen before, with a key."""
    user = f"stranger-{secrets.token_hex(4)}"
    key = keys.create("bad input", user_id=user, terms=keys.Terms({"ai:complete"}))
    return inside, user, key.api_key


def _rows(user: str, platform: Platform) -> int:
    found = clients.dynamodb().query(
        TableName=platform.environment["USAGE_TABLE_NAME"],
        KeyConditionExpression="userId = :user",
        ExpressionAttributeValues={":user": {"S": user}},
        Select="COUNT",
    )
    return found["Count"]


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_words_and_costs_nothing(stranger: tuple[Platform, str, str], case: str) -> None:
    platform, user, key = stranger
    data, status = BAD[case]
    asked = platform.sold()

    answer = platform.http.post(
        f"{platform.url}/v1/chat/completions", content=data, headers={"authorization": f"Bearer {key}"}
    )

    assert answer.status_code == status, answer.text
    told = answer.json()["error"]
    assert told["message"]
    assert told["code"]
    assert answer.headers["x-request-id"]
    assert len(answer.content) < 1_000, "an error does not repeat the request"
    assert platform.sold() == asked
    assert _rows(user, platform) == 0


def test_ten_thousand_messages_are_a_long_conversation_not_an_error(stranger: tuple[Platform, str, str]) -> None:
    platform, user, key = stranger
    turns = [{"role": role, "content": "word"} for _ in range(5_000) for role in ("user", "assistant")]

    answer = platform.http.post(
        f"{platform.url}/v1/chat/completions",
        content=_body(messages=[*turns, HELLO], max_tokens=5),
        headers={"authorization": f"Bearer {key}"},
    )

    assert answer.status_code == 200, answer.text
    assert _rows(user, platform) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer"},
        {"authorization": "Basic dXNlcjpwYXNz"},
        {"authorization": "Bearer sk-proj-short"},
        {"authorization": "Bearer " + "x" * 5_000},
        {"x-api-key": "sk-proj-" + "A" * 55},
        {"authorization": "Bearer sk-proj-\u00e4"},
    ],
    ids=["none", "no token", "basic", "short", "long", "unknown", "latin"],
)
def test_whoever_has_no_good_key_is_nobody(platform: Platform, headers: dict[str, str]) -> None:
    sent = httpx2.Headers([(name.encode(), value.encode("latin-1")) for name, value in headers.items()])
    answer = platform.http.post(f"{platform.url}/v1/chat/completions", content=_body(), headers=sent)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")


def test_two_different_keys_in_one_request_are_refused(platform: Platform) -> None:
    headers = {"authorization": f"Bearer {platform.key}", "x-api-key": "sk-proj-" + "A" * 55}
    answer = platform.http.post(f"{platform.url}/v1/chat/completions", content=_body(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


def test_a_key_without_the_scope_is_told_which_one_it_lacks(inside: Platform) -> None:
    key = keys.create("embeds only", user_id="narrow", terms=keys.Terms({"ai:embed"}))
    headers = {"x-api-key": key.api_key}
    answer = inside.http.post(f"{inside.url}/v1/chat/completions", content=_body(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "insufficient_scope")
    assert answer.json()["error"]["required_scope"] == "ai:complete"


def test_an_unknown_route_is_not_a_stack_trace(platform: Platform) -> None:
    answer = platform.http.get(f"{platform.url}/v1/nothing-here", headers={"x-api-key": platform.key})
    assert answer.status_code in (403, 404)
    assert "Traceback" not in answer.text
    assert answer.json()["error"]
