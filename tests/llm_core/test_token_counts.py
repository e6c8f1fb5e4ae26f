"""Tokens of a prompt: who counts them, for whom, and how often."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm_core import callers, keys, token_counts
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest, NotAllowed, RateLimited
from llm_core.gateway import Wishes
from llm_core.messages import Message, Request, Text
from tests.conftest import Platform
from tests.llm_core.accounts.books import Books, Clock

HELLO = (Message("user", (Text("Hello"),)),)


def ada(**terms: Any) -> Caller:
    key = keys.create("counting", user_id="ada", terms=keys.Terms({"ai:complete"}, **terms))
    return callers.identify(key.api_key)


def request(model: str) -> Request:
    return Request(model, HELLO)


@pytest.mark.parametrize("name", ["claude-haiku-4-5", "fast", "claude-3-haiku"])
def test_tokens_are_counted_by_anthropic_and_cost_nothing(understudy: Platform, inside: Platform, name: str) -> None:
    sold = len(inside.sold())
    assert token_counts.count(request(name), ada(), Deadline.after(10), Wishes()) > 0
    (sent,) = inside.asked()
    assert sent["path"] == "/v1/messages/count_tokens"
    assert _json(sent)["model"] == "claude-haiku-4-5"
    assert len(inside.sold()) == sold


@pytest.mark.parametrize("name", ["gpt-4.1", "embed", "bedrock/global.anthropic.claude-sonnet-4-6"])
def test_tokens_of_others_cannot_be_counted(inside: Platform, name: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot be counted"):
        token_counts.count(request(name), ada(), Deadline.after(10), Wishes())


def _json(sent: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(sent["body"])
    return body


def test_a_key_counts_only_for_models_that_it_may_use(inside: Platform) -> None:
    only = ada(models=("claude-opus-4-7", "gpt-4.1"))
    assert token_counts.count(request("claude-opus-4-7"), only, Deadline.after(10), Wishes()) > 0
    with pytest.raises(NotAllowed):
        token_counts.count(request("claude-haiku-4-5"), only, Deadline.after(10), Wishes())


def test_counting_is_a_request_of_the_keys_minute(understudy: Platform, books: Books, clock: Clock) -> None:
    """It is free, but the provider counts it against the platform's own limits."""
    slow, before = ada(requests_per_minute=2), len(understudy.asked(10_000))
    for _ in range(2):
        token_counts.count(request("claude-haiku-4-5"), slow, Deadline.after(10), Wishes())
    with pytest.raises(RateLimited):
        token_counts.count(request("claude-haiku-4-5"), slow, Deadline.after(10), Wishes())
    assert len(understudy.asked(10_000)) == before + 2
