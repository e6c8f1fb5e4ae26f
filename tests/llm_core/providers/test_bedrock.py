"""Bedrock's room: Anthropic's words at AWS's address, signed by the door's role."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from llm_core.aws.stage_catalog import catalog
from llm_core.deadline import Deadline
from llm_core.errors import DeadlineExceeded
from llm_core.failures import (
    ContextLengthExceeded,
    ProviderDenied,
    ProviderError,
    ProviderFailed,
    ProviderOverloaded,
    ProviderTimeout,
)
from llm_core.messages import Message, Reply, Request, Text, Tool, ToolCall
from llm_core.providers.directory import provider
from tests.conftest import Platform

HELLO = Message("user", (Text("Hello"),))
HAIKU = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
OPUS = "global.anthropic.claude-opus-4-7"


def ask(model: str = HAIKU, seconds: float = 10, **fields: Any) -> Reply:
    request = Request(**{"model": model, "messages": (HELLO,)} | fields)
    room = provider("bedrock")
    return room.send(room.body(request, catalog().model(f"bedrock/{model}"), 100), Deadline.after(seconds))


def test_a_question_names_its_model_in_the_path_and_not_in_the_body(inside: Platform) -> None:
    reply = ask(system="Be brief.")
    (sent,) = inside.asked()
    assert (sent["provider"], sent["path"]) == ("bedrock", f"/model/{HAIKU}/invoke")
    assert json.loads(sent["body"]) == {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 100,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
    }
    assert (reply.finish, reply.dialect) == ("stop", "anthropic")
    assert reply.usage.output > 0


def test_a_model_without_a_version_of_its_own_gets_the_sdks(inside: Platform) -> None:
    assert catalog().model(f"bedrock/{OPUS}").api_version is None
    ask(OPUS)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", json.loads(inside.asked()[0]["body"])["anthropic_version"])


def test_it_is_signed_by_the_role_and_carries_no_key(inside: Platform) -> None:
    ask()
    headers = inside.asked()[0]["headers"]
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=")
    assert "/bedrock/aws4_request" in headers["authorization"]
    assert "x-api-key" not in headers


def test_a_call_for_a_tool_comes_back(inside: Platform) -> None:
    weather = Tool("get_weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
    reply = ask(messages=(Message("user", (Text("Use get_weather for Lisbon"),)),), tools=(weather,))
    assert reply.finish == "tool_calls"
    assert any(isinstance(part, ToolCall) for part in reply.parts)


@pytest.mark.parametrize(
    ("code", "failed", "again"),
    [
        (403, ProviderDenied, False),
        (429, ProviderOverloaded, True),
        (500, ProviderFailed, True),
        (503, ProviderOverloaded, True),
    ],
)
def test_a_refusal_is_told_by_its_status(
    understudy: Platform, inside: Platform, code: int, failed: type[ProviderError], again: bool
) -> None:
    understudy.order({"kind": "status", "code": code}, provider="bedrock")
    with pytest.raises(failed) as raised:
        ask()
    assert (raised.value.provider, raised.value.status, raised.value.again) == ("bedrock", code, again)
    assert not raised.value.end_unknown


def test_the_id_under_which_aws_finds_a_request_is_kept(understudy: Platform, inside: Platform) -> None:
    """AWS calls it x-amzn-requestid: without it their support finds nothing."""
    understudy.order({"kind": "status", "code": 500}, provider="bedrock")
    with pytest.raises(ProviderFailed) as raised:
        ask()
    assert raised.value.provider_request_id


def test_the_role_is_not_read_again_after_a_401(understudy: Platform, inside: Platform) -> None:
    understudy.order({"kind": "status", "code": 401}, provider="bedrock")
    before = len(inside.asked(10_000))
    with pytest.raises(ProviderDenied):
        ask()
    assert len(inside.asked(10_000)) == before + 1


def test_a_prompt_that_is_too_long_is_told_apart(understudy: Platform, inside: Platform) -> None:
    understudy.order({"kind": "context_length"}, provider="bedrock")
    with pytest.raises(ContextLengthExceeded):
        ask()


def test_silence_ends_at_the_time_out_and_no_time_asks_nobody(understudy: Platform, inside: Platform) -> None:
    understudy.order({"kind": "silence"}, provider="bedrock")
    with pytest.raises(ProviderTimeout):
        ask(seconds=0.3)
    before = len(inside.asked(10_000))
    with pytest.raises(DeadlineExceeded):
        ask(seconds=0)
    assert len(inside.asked(10_000)) == before


@pytest.mark.parametrize("kind", ["reset", "malformed_chunk", "html_page", "wrong_shape"])
def test_an_answer_that_nobody_can_read_may_have_been_billed(understudy: Platform, inside: Platform, kind: str) -> None:
    understudy.order({"kind": kind}, provider="bedrock")
    with pytest.raises(ProviderFailed) as raised:
        ask()
    assert raised.value.end_unknown
