"""Fallback on the wire: who is asked when a provider fails, what each said, and what its caller is told.

The whole platform runs, the official SDKs are the clients, and the understudy misbehaves as it is told. What comes of
each failure by itself is told by the wall (test_wall.py).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import anthropic
import boto3
import openai
import pytest
from boto3.dynamodb.conditions import Attr

from gateway.dialects import openai_chat
from llm_core import fitting, gateway
from llm_core.aws.stage_catalog import catalog
from llm_core.money import plain
from tests.conftest import Platform, fresh

HELLO: list[Any] = [{"role": "user", "content": "Say hello to the squirrel."}]
MOST_TOKENS = 50
API_GATEWAY_S = 29


def status(code: int, **more: Any) -> dict[str, Any]:
    return {"kind": "status", "code": code, **more}


def aws(running: Platform, service: str) -> dict[str, Any]:
    told = running.environment
    return {
        "service_name": service,
        "endpoint_url": told["AWS_ENDPOINT_URL"],
        "region_name": told.get("AWS_REGION") or told.get("AWS_DEFAULT_REGION") or "us-east-1",
        "aws_access_key_id": told["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": told["AWS_SECRET_ACCESS_KEY"],
    }


def pooled(candidates: int) -> str:
    """A model that no other test knows."""
    return fresh("alone" if candidates == 1 else "claude")


def gpt_client(running: Platform, **headers: str) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{running.url}/v1", api_key=running.key, max_retries=0, timeout=60, default_headers=headers
    )


def claude_client(running: Platform) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=running.url, api_key=running.key, max_retries=0, timeout=60)


def asked_of(running: Platform, model: str) -> dict[str, int]:
    """How often each provider was asked for this model, by the understudy's own count."""
    seen = [each for each in running.asked(1_000) if (each["model"] or "").endswith(model)]
    return {name: sum(each["provider"] == name for each in seen) for name in ("anthropic", "bedrock", "openai")}


def rows_of(running: Platform, model: str) -> list[dict[str, Any]]:
    """All usage rows of calls that named this model, in the order of attempts."""
    table = boto3.resource(**aws(running, "dynamodb")).Table(running.environment["USAGE_TABLE_NAME"])
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {}
    while not page or "LastEvaluatedKey" in page:
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if page else {}
        page = dict(table.scan(FilterExpression=Attr("requestedModel").eq(model), **more))
        found += page["Items"]
    return sorted(found, key=lambda row: row["timestamp"])


def log_of(running: Platform, model: str, event: str = "llm_call") -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in running.logs.read_text().splitlines() if model in line]
    return [line for line in lines if line.get("event") == event]


def metrics_of(running: Platform, model: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in running.logs.read_text().splitlines() if model in line]
    return [line for line in lines if "_aws" in line]


def body(model: str) -> dict[str, Any]:
    return {"model": model, "messages": HELLO, "max_tokens": MOST_TOKENS}


# ------------------------------------------------------------------------------------------- disclosed everywhere


def test_a_fallback_stands_in_the_log_line(understudy: Platform) -> None:
    model = pooled(2)
    understudy.order(status(500), provider="anthropic", model=model)
    gpt_client(understudy).chat.completions.create(**body(model))
    lines = log_of(understudy, model)
    assert [(line["gen_ai.provider.name"], line["fallback"], line["outcome"]) for line in lines] == [
        ("anthropic", False, "provider_error"),
        ("anthropic", False, "provider_error"),
        ("anthropic", False, "provider_error"),
        ("bedrock", True, "ok"),
    ]
    assert {line["gen_ai.request.model"] for line in lines} == {model}
    assert len({line["gen_ai.response.id"] for line in lines}) == 1


@pytest.fixture
def inbox(platform: Platform) -> Iterator[Any]:
    """A subscriber of the alerts topic, as an operator's mailbox would be."""
    sns, sqs, name = boto3.client(**aws(platform, "sns")), boto3.client(**aws(platform, "sqs")), f"in-{uuid4().hex[:9]}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = platform.environment["ALERTS_TOPIC_ARN"]
    mine = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)["SubscriptionArn"]

    def arrived(subject: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(json.loads(message["Body"])["Message"]) for message in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [alert for alert in found if alert["subject"] == subject]

    yield arrived
    sns.unsubscribe(SubscriptionArn=mine)
    sqs.delete_queue(QueueUrl=queue)


def test_an_episode_is_one_alert_and_every_fallback_is_counted(understudy: Platform, inbox: Any) -> None:
    # Given a primary that is down.
    model = pooled(2)
    understudy.order(status(529), provider="anthropic", model=model)

    # When four requests fall back in a row.
    for _ in range(4):
        answer = gpt_client(understudy).chat.completions.with_raw_response.create(**body(model))
        assert answer.headers["x-drey-fallback"] == "true"

    # Then there is one episode in the table, one message, one line and one alert metric.
    health = boto3.resource(**aws(understudy, "dynamodb")).Table(understudy.environment["HEALTH_TABLE_NAME"])
    assert "Item" in health.get_item(Key={"name": f"episode#fallback#anthropic/{model}"})
    (alert,) = inbox(f"anthropic/{model}")
    assert alert["kind"] == "fallback"
    assert alert["answered_by"] == f"bedrock/global.anthropic.{model}"
    assert len(log_of(understudy, model, "alert")) == 1

    # And the breaker has kept the primary out of it after its third failure: 3 + 0 + 0 + 0.
    assert asked_of(understudy, model)["anthropic"] == 3

    # And each of the four is counted in a metric, not only the first of the episode.
    counted = [name for line in metrics_of(understudy, model) for name in line if "fallback" in name.lower()]
    assert len(counted) == 4, f"metrics of Bedrock's answers: {metrics_of(understudy, model)[-1]}"


# ------------------------------------------------------------------------------------------- all fail


def down(running: Platform, model: str) -> None:
    running.order(status(529, message="Overloaded: come back later"), provider="anthropic", model=model)
    running.order(status(500, message="the mountain is on fire"), provider="bedrock", model=f"*{model}")


def each_said(message: str, model: str) -> None:
    assert message.startswith("Nobody could answer. ")
    assert message.count(f"anthropic/{model}: anthropic answered 529: Overloaded: come back later") == 3
    assert message.count(f"bedrock/global.anthropic.{model}: bedrock answered 500: the mountain is on fire") == 3


def test_when_all_fail_openais_client_is_told_what_each_said(understudy: Platform) -> None:
    model = pooled(2)
    down(understudy, model)
    with pytest.raises(openai.InternalServerError) as raised:
        gpt_client(understudy).chat.completions.create(**body(model))
    error = raised.value
    assert (error.status_code, error.code, error.type) == (502, "provider_error", "api_error")
    each_said(error.response.json()["error"]["message"], model)
    assert error.request_id
    assert asked_of(understudy, model) == {"anthropic": 3, "bedrock": 3, "openai": 0}


def test_when_all_fail_anthropics_client_is_told_what_each_said(understudy: Platform) -> None:
    model = pooled(2)
    down(understudy, model)
    with pytest.raises(anthropic.InternalServerError) as raised:
        claude_client(understudy).messages.create(**body(model))
    told_body: Any = raised.value.body
    assert raised.value.status_code == 502
    assert (told_body["type"], told_body["error"]["type"]) == ("error", "api_error")
    each_said(told_body["error"]["message"], model)
    assert told_body["request_id"] == raised.value.request_id


def test_when_both_have_been_given_up_the_caller_is_told_that_nobody_was_asked(understudy: Platform) -> None:
    # Given both candidates' breakers open.
    model = pooled(2)
    down(understudy, model)
    with pytest.raises(openai.InternalServerError):
        gpt_client(understudy).chat.completions.create(**body(model))

    # When it is asked again.
    with pytest.raises(openai.InternalServerError) as raised:
        gpt_client(understudy).chat.completions.create(**body(model))

    # Then nobody is asked, nobody pays, and the client may come back.
    assert (raised.value.status_code, raised.value.code) == (503, "provider_overloaded")
    assert asked_of(understudy, model) == {"anthropic": 3, "bedrock": 3, "openai": 0}
    assert raised.value.response.headers["x-should-retry"] == "true"
    message = raised.value.response.json()["error"]["message"]
    assert f"anthropic/{model}" in message
    assert f"bedrock/global.anthropic.{model}" in message


def test_a_lone_candidate_that_was_given_up_is_named_and_nobody_pays(understudy: Platform) -> None:
    # Given a breaker open on the only candidate.
    model = pooled(1)
    understudy.order(status(529), provider="anthropic", model=model)
    for _ in range(2):
        with pytest.raises(openai.InternalServerError) as raised:
            gpt_client(understudy).chat.completions.create(**body(model))

    # Then the second answer says who is left alone, that a retry helps, and after how long.
    error = raised.value.response
    assert (error.status_code, raised.value.code) == (503, "provider_overloaded")
    assert asked_of(understudy, model)["anthropic"] == len(rows_of(understudy, model)) == 3
    assert "anthropic" in error.json()["error"]["message"]
    assert 0 < int(error.headers["retry-after"]) <= 30


def test_two_silent_candidates_end_before_api_gateway_would_cut_the_line(understudy: Platform) -> None:
    model = pooled(2)
    understudy.order({"kind": "silence"}, model=f"*{model}")
    began = time.monotonic()
    with pytest.raises(openai.InternalServerError) as raised:
        gpt_client(understudy).chat.completions.create(**body(model))
    assert (raised.value.status_code, raised.value.code) == (504, "timeout")
    assert 20 < time.monotonic() - began < API_GATEWAY_S
    assert asked_of(understudy, model) == {"anthropic": 1, "bedrock": 1, "openai": 0}
    message = raised.value.response.json()["error"]["message"]
    assert "anthropic did not answer in time" in message
    assert "bedrock did not answer in time" in message
    assert [row["estimated"] for row in rows_of(understudy, model)] == [True, True]


def test_a_silent_primary_leaves_a_slow_fallback_its_time(understudy: Platform) -> None:
    model = pooled(2)
    understudy.order({"kind": "slow_headers", "seconds": 9}, provider="bedrock", model=f"*{model}")
    understudy.order({"kind": "silence"}, provider="anthropic", model=model)
    began = time.monotonic()
    answer = gpt_client(understudy).chat.completions.with_raw_response.create(**body(model))
    assert answer.headers["x-drey-provider"] == "bedrock"
    assert 19 < time.monotonic() - began < API_GATEWAY_S


# ------------------------------------------------------------------------------------------- the caller's own scope


def test_what_a_caller_allows_for_a_request_bounds_all_of_its_attempts_together(inside: Platform) -> None:
    """An attempt whose end nobody saw is charged at its ceiling: the next one must fit beside it, or is not made."""
    # Given a caller who allows for one attempt and a half, and a primary that resets every connection.
    model = pooled(2)
    request = openai_chat.read(json.dumps(body(model)).encode())
    most = fitting.ceiling(request, gateway._prompt(request), catalog().model(f"anthropic/{model}")) * 3 // 2
    inside.free()
    inside.order({"kind": "reset"}, provider="anthropic", model=model)

    # When it asks.
    with suppress(openai.APIStatusError):
        gpt_client(inside, **{"x-drey-max-cost-usd": plain(most)}).chat.completions.create(**body(model))
    inside.free()

    # Then it has not paid more than it allowed.
    charged = sum(int(row["charged"]) for row in rows_of(inside, model))
    assert 0 < charged <= most, f"{asked_of(inside, model)} were asked"


def test_who_wants_no_fallback_gets_none(understudy: Platform) -> None:
    model = pooled(2)
    understudy.order(status(529), provider="anthropic", model=model)
    with pytest.raises(openai.InternalServerError) as raised:
        gpt_client(understudy, **{"x-drey-fallback": "off"}).chat.completions.create(**body(model))
    assert raised.value.code == "provider_overloaded"
    assert asked_of(understudy, model) == {"anthropic": 3, "bedrock": 0, "openai": 0}


def test_a_chain_of_ones_own_may_leave_the_family(understudy: Platform) -> None:
    model, gpt = pooled(2), fresh("gpt")
    understudy.order(status(529), provider="anthropic", model=model)
    first, chain = f"anthropic/{model}", {"models": [gpt]}
    answer = gpt_client(understudy).chat.completions.with_raw_response.create(**body(first), extra_body=chain)
    assert answer.headers["x-drey-provider"] == "openai"
    assert answer.headers["x-drey-fallback"] == "true"
    assert answer.parse().model == gpt
    assert asked_of(understudy, model) == {"anthropic": 3, "bedrock": 0, "openai": 0}, "not the route's Bedrock"
    assert asked_of(understudy, gpt)["openai"] == 1


def test_a_chain_of_ones_own_works_in_anthropics_dialect_and_is_the_whole_scope(understudy: Platform) -> None:
    model, gpt = pooled(2), fresh("gpt")
    understudy.order(status(529), provider="anthropic", model=model)
    understudy.order(status(500), provider="openai", model=gpt)
    first, chain = f"anthropic/{model}", {"models": [gpt]}
    with pytest.raises(anthropic.InternalServerError) as raised:
        claude_client(understudy).messages.create(**body(first), extra_body=chain)
    assert f"openai/{gpt}: openai answered 500" in str(raised.value.body)
    assert asked_of(understudy, model) == {"anthropic": 3, "bedrock": 0, "openai": 0}
    assert asked_of(understudy, gpt)["openai"] == 3


def test_a_context_overflow_goes_to_a_larger_window_if_the_chain_has_one(understudy: Platform) -> None:
    """Claude's pool has 200,000 tokens, GPT's a million."""
    model, gpt = pooled(2), fresh("gpt")
    understudy.order({"kind": "context_length"}, model=f"*{model}")
    chain = {"models": [model, gpt]}
    answer = gpt_client(understudy).chat.completions.with_raw_response.create(**body(model), extra_body=chain)
    assert answer.headers["x-drey-provider"] == "openai"
    assert asked_of(understudy, model) == {"anthropic": 1, "bedrock": 0, "openai": 0}, "Bedrock's window is no larger"


def test_bedrocks_context_overflow_is_known_as_one_too(understudy: Platform) -> None:
    """AWS says "Input is too long for requested model", Anthropic "prompt is too long"."""
    model = pooled(2)
    understudy.order({"kind": "context_length"}, provider="bedrock", model=f"*{model}")
    with pytest.raises(openai.BadRequestError) as raised:
        gpt_client(understudy).chat.completions.create(**body(f"bedrock/global.anthropic.{model}"))
    assert raised.value.code == "context_length_exceeded"


def test_a_fallback_has_bedrocks_own_words_and_no_model_in_the_body(understudy: Platform) -> None:
    model = pooled(2)
    understudy.order(status(529), provider="anthropic", model=model)
    claude_client(understudy).messages.create(**body(model))
    sent = next(each for each in reversed(understudy.asked(20)) if each["provider"] == "bedrock")
    assert sent["path"].endswith("/invoke")
    assert "model" not in json.loads(sent["body"])
    assert json.loads(sent["body"])["messages"] == HELLO, "what the caller sent is sent on as it is"
