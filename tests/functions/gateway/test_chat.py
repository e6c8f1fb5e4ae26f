"""The chat door: each route once, by the event that API Gateway would send, in process."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import pytest

from gateway import chat
from llm_core import keys, ledger
from llm_core.callers import identify
from llm_core.money import nano
from tests.conftest import Platform, fresh
from tests.functions.gateway.events import Send, body, sender

ACCOUNT = {
    "x-drey-generation-id",
    "x-drey-provider",
    "x-drey-attempts",
    "x-drey-fallback",
    "x-drey-cache",
    "x-drey-cost-usd",
    "x-drey-overhead-ms",
    "x-drey-max-tokens",
}


@pytest.fixture
def send(understudy: Platform, inside: Platform) -> Send:
    return sender(chat.handler, inside.key)


def test_openais_chat_completions(send: Send) -> None:
    answer = send("chat-hello")
    told = body(answer)
    assert answer["statusCode"] == 200
    assert set(answer["headers"]) >= ACCOUNT
    assert (told["object"], told["choices"][0]["finish_reason"]) == ("chat.completion", "stop")


def test_anthropics_messages(send: Send) -> None:
    answer = send("chat-messages")
    assert answer["statusCode"] == 200
    assert set(answer["headers"]) >= ACCOUNT
    assert (body(answer)["type"], body(answer)["stop_reason"]) == ("message", "end_turn")


def test_anthropics_count_of_tokens_is_free(send: Send) -> None:
    answer = send("chat-count_tokens")
    assert answer["statusCode"] == 200
    assert list(body(answer)) == ["input_tokens"]
    assert not ACCOUNT & set(answer["headers"])


def test_the_platforms_own_completion(send: Send, inside: Platform) -> None:
    answer = send("chat-complete")
    told = body(answer)
    assert answer["statusCode"] == 200
    assert set(told) == {"id", "content", "model", "provider", "finishReason", "usage", "latencyMs"}
    row = ledger.find(identify(inside.key).user_id, told["id"])
    assert row["charged"] == nano(answer["headers"]["x-drey-cost-usd"]) > 0


def test_a_classification(send: Send, understudy: Platform) -> None:
    asked = json.loads(send.event("chat-classify")["body"])
    understudy.perform({"text": json.dumps({"label": asked["labels"][0], "confidence": 0.9})})
    answer = send("chat-classify")
    assert answer["statusCode"] == 200
    assert (body(answer)["label"], body(answer)["confidence"]) == (asked["labels"][0], 0.9)


ENDS = {
    "chat-hello": b"data: [DONE]",
    "chat-messages": b'event: message_stop\ndata: {"type":"message_stop"}',
    "chat-complete": b"data: [DONE]",
}


@pytest.mark.parametrize("case", ENDS)
def test_who_wants_a_stream_gets_one_in_the_routes_dialect(send: Send, case: str) -> None:
    answer = send(case, stream=True)
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (200, "text/event-stream")
    with closing(answer["body"]) as pieces:
        told = b"".join(pieces)
    assert told.count(b"data: ") > 3
    assert told.endswith(ENDS[case] + b"\n\n")


ROUTES = ["chat-hello", "chat-messages", "chat-count_tokens", "chat-complete", "chat-classify"]
REFUSED: dict[str, Any] = {"chat-messages": "authentication_error", "chat-count_tokens": "authentication_error"}


@pytest.mark.parametrize("case", ROUTES)
def test_no_route_opens_without_a_key_or_by_one_for_something_else(send: Send, case: str) -> None:
    other = keys.create("other", user_id="ada", terms=keys.Terms({"ai:embed", "usage:read"})).api_key
    assert send(case, key=other)["statusCode"] == 403
    unknown = send(case, key="sk-proj-" + "0" * 12 + "A" * 43)
    assert unknown["statusCode"] == 401
    error = body(unknown)["error"]
    if case in REFUSED:
        assert error["type"] == REFUSED[case]
    else:
        assert (isinstance(error, dict), isinstance(error, str)) == (case == "chat-hello", case != "chat-hello")


PRICED = ["chat-hello", "chat-messages", "chat-complete", "chat-classify"]


@pytest.mark.parametrize("case", PRICED)
def test_every_route_that_costs_keeps_to_what_the_caller_allows(send: Send, inside: Platform, case: str) -> None:
    before = len(inside.asked(10_000))
    answer = send(case, headers={"X-Drey-Max-Cost-USD": "0.000001"})
    assert answer["statusCode"] == 402
    assert len(inside.asked(10_000)) == before


@pytest.mark.parametrize("case", PRICED)
def test_every_route_that_costs_stays_at_the_first_candidate_when_told_to(
    send: Send, understudy: Platform, case: str
) -> None:
    model = fresh("claude")
    understudy.order({"kind": "status", "code": 529, "retry_after": 30}, provider="anthropic", model=model)
    answer = send(case, headers={"x-drey-fallback": "OFF"}, model=model)
    assert answer["statusCode"] == 503
    assert answer["headers"]["x-should-retry"] == "true"


def test_a_classification_without_a_label_says_what_it_cost(send: Send, understudy: Platform) -> None:
    """It was paid for, so a failed call tells as any other that may be billed."""
    understudy.perform({"text": "I would rather not say."})
    answer = send("chat-classify", model=fresh("alone"))
    assert answer["statusCode"] == 502
    assert nano(body(answer)["cost"]) > 0
