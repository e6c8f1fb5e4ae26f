"""The embeddings door: each route once, by the event that API Gateway would send, in process."""

from __future__ import annotations

import pytest

from gateway import embeddings
from llm_core import keys
from llm_core.money import nano
from tests.conftest import Platform
from tests.functions.gateway.events import Send, body, sender

BOTH = ["embeddings-hello", "embeddings-native"]


@pytest.fixture
def send(understudy: Platform, inside: Platform) -> Send:
    return sender(embeddings.handler, inside.key)


def test_openais_embeddings(send: Send) -> None:
    answer = send("embeddings-hello")
    assert answer["statusCode"] == 200
    assert body(answer)["object"] == "list"
    assert body(answer)["data"][0]["object"] == "embedding"


def test_the_platforms_own(send: Send) -> None:
    answer = send("embeddings-native")
    assert answer["statusCode"] == 200
    assert set(body(answer)) == {"embeddings", "model", "provider", "usage"}


@pytest.mark.parametrize("case", BOTH)
def test_an_answer_says_what_it_cost_and_nothing_of_a_limit_on_output(send: Send, case: str) -> None:
    headers = send(case)["headers"]
    assert nano(headers["x-drey-cost-usd"]) > 0
    assert (headers["x-drey-provider"], headers["x-drey-attempts"], headers["x-drey-fallback"]) == (
        "openai",
        "1",
        "false",
    )
    assert "x-drey-max-tokens" not in headers


@pytest.mark.parametrize("case", BOTH)
def test_neither_opens_by_a_key_for_something_else(send: Send, case: str) -> None:
    other = keys.create("other", user_id="ada", terms=keys.Terms({"ai:complete"})).api_key
    refused = send(case, key=other)
    assert refused["statusCode"] == 403
    assert "ai:embed" in refused["body"]
    assert isinstance(body(refused)["error"], dict if case == "embeddings-hello" else str)


@pytest.mark.parametrize("case", BOTH)
def test_what_a_caller_allows_holds_for_vectors_too(send: Send, inside: Platform, case: str) -> None:
    """docs/api.md: a request that could cost more than `x-drey-max-cost-usd` is refused before anybody is asked."""
    before = len(inside.asked(10_000))
    assert send(case, headers={"x-drey-max-cost-usd": "0.000000001"})["statusCode"] == 402
    assert len(inside.asked(10_000)) == before


def test_an_allowance_that_is_no_amount_is_refused_for_vectors_too(send: Send) -> None:
    assert send("embeddings-hello", headers={"x-drey-max-cost-usd": "cheap"})["statusCode"] == 400
