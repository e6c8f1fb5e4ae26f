"""Anthropic's SDK against the understudy."""

from typing import Any

import anthropic
import httpx2
import pytest
from pydantic import BaseModel

from local.understudy.anthropic_prompt import is_older

MODEL = "claude-haiku-4-5"
HELLO: Any = [{"role": "user", "content": "What does a squirrel eat in winter?"}]


def test_the_same_request_twice_gets_the_same_words_under_different_ids(claude: anthropic.Anthropic) -> None:
    one = claude.messages.create(model=MODEL, max_tokens=200, messages=HELLO)
    two = claude.messages.create(model=MODEL, max_tokens=200, messages=HELLO)

    assert one.content[0].to_dict() == two.content[0].to_dict()
    assert one.id.startswith("msg_")
    assert one.id != two.id


def test_other_words_get_another_answer(claude: anthropic.Anthropic) -> None:
    other: Any = [{"role": "user", "content": "Why is the sea salty?"}]
    one = claude.messages.create(model=MODEL, max_tokens=200, messages=HELLO)
    two = claude.messages.create(model=MODEL, max_tokens=200, messages=other)

    assert one.content[0].to_dict() != two.content[0].to_dict()


def test_a_stream_says_the_same_as_a_whole_answer_and_counts_the_same(claude: anthropic.Anthropic) -> None:
    whole = claude.messages.create(model=MODEL, max_tokens=200, messages=HELLO)

    with claude.messages.stream(model=MODEL, max_tokens=200, messages=HELLO) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()

    assert final.content[0].to_dict()["text"] == whole.content[0].to_dict()["text"]
    assert final.usage == whole.usage
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"
    assert kinds.count("text") > 5


def test_counting_tokens_counts_what_the_usage_will_say(claude: anthropic.Anthropic) -> None:
    asked: Any = {
        "model": MODEL,
        "messages": HELLO,
        "system": "Be kind.",
        "tools": [{"name": "look", "input_schema": {"type": "object", "properties": {}}}],
    }
    counted = claude.messages.count_tokens(**asked)
    answered = claude.messages.create(max_tokens=100, **asked)

    assert counted.input_tokens == answered.usage.input_tokens > 20


def test_max_tokens_cuts_the_answer(claude: anthropic.Anthropic) -> None:
    answer = claude.messages.create(model=MODEL, max_tokens=5, messages=HELLO)

    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens == 5
    assert answer.content[0].type == "text"
    assert len(answer.content[0].text) == 20


def test_a_stop_sequence_ends_the_answer_and_is_named(claude: anthropic.Anthropic, order: Any) -> None:
    order(answer={"text": "one two three four"})
    answer = claude.messages.create(model=MODEL, max_tokens=50, messages=HELLO, stop_sequences=["four", "three"])

    assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "three")
    assert answer.content[0].to_dict()["text"] == "one two "


def test_a_marked_prefix_is_written_first_and_read_the_next_time(claude: anthropic.Anthropic, sold: Any) -> None:
    system: Any = [{"type": "text", "text": "Long rules. " * 50, "cache_control": {"type": "ephemeral"}}]
    first = claude.messages.create(model=MODEL, max_tokens=50, messages=HELLO, system=system).usage
    second = claude.messages.create(model=MODEL, max_tokens=50, messages=HELLO, system=system).usage

    assert (first.cache_creation_input_tokens, first.cache_read_input_tokens) == (150, 0)
    assert (second.cache_creation_input_tokens, second.cache_read_input_tokens) == (0, 150)
    assert first.input_tokens == second.input_tokens
    assert sold()["usage"]["cache_read"] == 150


def test_an_hour_is_another_bucket_than_five_minutes(claude: anthropic.Anthropic) -> None:
    system: Any = [{"type": "text", "text": "Rules. " * 40, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    messages: Any = [
        {"role": "user", "content": [{"type": "text", "text": "Go on. " * 40, "cache_control": {"type": "ephemeral"}}]}
    ]
    usage = claude.messages.create(model=MODEL, max_tokens=50, messages=messages, system=system).usage

    assert usage.cache_creation is not None
    assert usage.cache_creation.ephemeral_1h_input_tokens == 70
    assert usage.cache_creation.ephemeral_5m_input_tokens == 71
    assert usage.cache_creation_input_tokens == 141


def test_thinking_is_a_block_of_its_own_and_part_of_the_output(claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(
        model="claude-opus-4-7", max_tokens=2000, messages=HELLO, thinking={"type": "adaptive"}
    ) as stream:
        answer = stream.get_final_message()

    thought, said = answer.content
    assert (thought.type, said.type) == ("thinking", "text")
    assert thought.to_dict()["signature"]
    assert answer.usage.output_tokens_details is not None
    assert 0 < answer.usage.output_tokens_details.thinking_tokens < answer.usage.output_tokens


def test_a_schema_is_satisfied_as_the_sdk_sends_it(claude: anthropic.Anthropic) -> None:
    class Animal(BaseModel):
        name: str
        legs: int
        tags: list[str]

    asked: Any = [{"role": "user", "content": "Describe a spider with 8 legs"}]
    answer = claude.messages.parse(model=MODEL, max_tokens=500, messages=asked, output_format=Animal)

    assert answer.parsed_output is not None
    assert answer.parsed_output.legs == 8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"messages": None}, "messages: Field required"),
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "assistant", "content": "hi"}]}, "first message"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "non-empty"),
        ({"model": "claude-opus-4-7", "temperature": 0.5}, "`temperature`"),
        ({"model": "claude-sonnet-5-5", "top_p": 0.5}, "`top_p`"),
    ],
)
def test_what_anthropic_refuses_is_refused_with_its_words(desk: httpx2.Client, change: Any, words: str) -> None:
    body = {"model": MODEL, "max_tokens": 10, "messages": HELLO, **change}
    answer = desk.post(
        "/v1/messages",
        headers={"x-api-key": "k", "anthropic-version": "2023-06-01"},
        json={name: value for name, value in body.items() if value is not None},
    )

    assert answer.status_code == 400
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert words in answer.json()["error"]["message"]
    assert answer.headers["request-id"] == answer.json()["request_id"]


@pytest.mark.parametrize("model", ["claude-haiku-4-5-20251001", "claude-sonnet-4-6"])
def test_older_models_still_take_a_temperature(claude: anthropic.Anthropic, model: str) -> None:
    answer = claude.messages.create(model=model, max_tokens=50, messages=HELLO, extra_body={"temperature": 0.2})

    assert answer.stop_reason == "end_turn"


def test_a_models_family_is_read_from_its_name() -> None:
    older = ("claude-3-5-haiku-latest", "claude-sonnet-4-20250514", "eu.anthropic.claude-opus-4-6", "claude-haiku-4-5")
    newer = ("claude-opus-4-7", "claude-sonnet-5", "claude-haiku-5-5", "claude-opus-4-10", "claude-unheard-of")

    assert all(is_older(name) for name in older)
    assert not any(is_older(name) for name in newer)


def test_an_unknown_model_is_not_found(claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="no-such-claude"):
        claude.messages.create(model="no-such-claude", max_tokens=50, messages=HELLO)


def test_a_missing_or_bad_key_is_401(desk: httpx2.Client, address: str) -> None:
    assert desk.post("/v1/messages", json={}).json()["error"]["type"] == "authentication_error"
    for bad in ("bad-key", "sk-bad-1234"):
        with (
            anthropic.Anthropic(base_url=address, api_key=bad, max_retries=0) as client,
            pytest.raises(anthropic.AuthenticationError),
        ):
            client.messages.create(model=MODEL, max_tokens=50, messages=HELLO)


def test_the_models_are_listed_for_both_protocols_on_one_path(claude: anthropic.Anthropic, gpt: Any) -> None:
    assert "claude-haiku-4-5" in [model.id for model in claude.models.list()]
    assert "gpt-5.4" in [model.id for model in gpt.models.list()]
