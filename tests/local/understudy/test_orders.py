"""Orders: who takes them, how often, and what a wrong one is told."""

from typing import Any

import anthropic
import httpx2
import openai
import pytest

HELLO: Any = [{"role": "user", "content": "Hello there"}]
BUSY = {"kind": "status", "code": 529}


def say(claude: anthropic.Anthropic, model: str = "claude-haiku-4-5") -> str:
    return str(claude.messages.create(model=model, max_tokens=100, messages=HELLO).content[0].to_dict()["text"])


def test_an_order_is_used_as_often_as_it_says(claude: anthropic.Anthropic, order: Any, desk: httpx2.Client) -> None:
    order(times=2, fault=BUSY)

    for _ in range(2):
        with pytest.raises(anthropic.APIStatusError):
            say(claude)
    assert say(claude)
    (standing,) = desk.get("/_understudy/orders").json()["orders"]
    del standing["id"]
    assert standing == {"order": {"times": 2, "fault": BUSY}, "seen": 2, "used": 2, "left": 0}


def test_an_order_can_let_some_calls_through_first(claude: anthropic.Anthropic, order: Any) -> None:
    order(skip=1, times=1, fault=BUSY)

    assert say(claude)
    with pytest.raises(anthropic.APIStatusError):
        say(claude)
    assert say(claude)


def test_the_first_order_that_fits_wins_and_then_the_next(claude: anthropic.Anthropic, order: Any) -> None:
    order(times=1, answer={"text": "one"})
    order(times=1, answer={"text": "two"})

    assert (say(claude), say(claude)) == ("one", "two")
    assert "Understudy" in say(claude)


def test_an_order_is_only_for_those_it_names(claude: anthropic.Anthropic, gpt: openai.OpenAI, order: Any) -> None:
    order(provider="anthropic", model="claude-haiku*", key="sk-test-1", answer={"text": "named"})

    assert say(claude) == "named"
    assert say(claude, "claude-sonnet-4-6") != "named"
    assert say(claude.with_options(api_key="sk-test-2")) != "named"
    other = gpt.chat.completions.create(model="claude-haiku-x", messages=HELLO)
    assert other.choices[0].message.content != "named"


def test_a_fault_that_cannot_happen_to_a_call_is_not_used_up(claude: anthropic.Anthropic, order: Any) -> None:
    order(times=1, fault={"kind": "missing_end"})

    assert say(claude)
    with claude.messages.stream(model="claude-haiku-4-5", max_tokens=100, messages=HELLO) as stream:
        assert "message_stop" not in [event.type for event in stream]


def test_counting_and_lists_take_only_orders_for_their_path(claude: anthropic.Anthropic, order: Any) -> None:
    order(fault=BUSY)
    assert claude.messages.count_tokens(model="claude-haiku-4-5", messages=HELLO).input_tokens

    order(path="*/count_tokens", fault={"kind": "status", "code": 429})
    with pytest.raises(anthropic.RateLimitError):
        claude.messages.count_tokens(model="claude-haiku-4-5", messages=HELLO)


def test_embeddings_take_orders_too(gpt: openai.OpenAI, order: Any) -> None:
    order(answer={"text": "only for those who talk"})
    order(times=1, fault={"kind": "status", "code": 503})

    with pytest.raises(openai.InternalServerError):
        gpt.embeddings.create(model="text-embedding-3-small", input="x")
    assert gpt.embeddings.create(model="text-embedding-3-small", input="x").data


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"fault": {"kind": "sabotage"}}, "does not match any of the expected tags"),
        ({"fault": {"kind": "status"}}, "fault.status.code: Field required"),
        ({"fault": {"kind": "status", "code": 200}}, "greater than or equal to 400"),
        ({"fault": BUSY, "modell": "x"}, "modell: Extra inputs are not permitted"),
        ({"times": 1}, "an order needs a fault or an answer"),
        ([{"fault": BUSY, "times": 0}], "0.times"),
    ],
)
def test_a_wrong_order_is_refused_with_what_is_wrong(desk: httpx2.Client, wrong: Any, words: str) -> None:
    answer = desk.post("/_understudy/orders", json=wrong)

    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert desk.get("/_understudy/orders").json() == {"orders": []}


def test_orders_end_when_they_are_deleted(claude: anthropic.Anthropic, order: Any, desk: httpx2.Client) -> None:
    order(fault=BUSY)
    desk.delete("/_understudy/orders")

    assert say(claude)


def test_a_scripted_answer_says_and_counts_what_it_is_told(claude: anthropic.Anthropic, order: Any, sold: Any) -> None:
    order(answer={"text": "Hi.", "thinking": "Hm.", "output_tokens": 90, "reasoning_tokens": 40, "cache_read_tokens": 2,
                  "cache_write_tokens": 1, "cache_write_1h_tokens": 1, "stop_reason": "pause_turn"})  # fmt: skip
    answer = claude.messages.create(model="claude-haiku-4-5", max_tokens=100, messages=HELLO)

    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert answer.stop_reason == "pause_turn"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (0, 90)
    assert sold()["usage"] == {
        "input": 0, "cache_write_5m": 1, "cache_write_1h": 1, "cache_read": 2, "output": 90, "reasoning": 40,
    }  # fmt: skip


def test_cached_and_reasoning_tokens_are_parts_of_openais_counts(gpt: openai.OpenAI, order: Any, sold: Any) -> None:
    plain = gpt.chat.completions.create(model="gpt-5.4", messages=HELLO).usage
    order(answer={"cache_read_tokens": 2, "reasoning_tokens": 30})
    usage = gpt.chat.completions.create(model="gpt-5.4", messages=HELLO).usage

    assert plain is not None
    assert usage is not None
    assert usage.prompt_tokens == plain.prompt_tokens
    assert usage.prompt_tokens_details is not None
    assert usage.prompt_tokens_details.cached_tokens == 2
    assert usage.completion_tokens == plain.completion_tokens + 30
    assert sold()["usage"]["reasoning"] == 30


def test_an_answer_of_ordered_length_is_really_that_long(claude: anthropic.Anthropic, order: Any) -> None:
    order(answer={"output_tokens": 500})
    answer = claude.messages.create(model="claude-haiku-4-5", max_tokens=1000, messages=HELLO)

    assert len(str(answer.content[0].to_dict()["text"])) == 2000
    assert (answer.usage.output_tokens, answer.stop_reason) == (500, "end_turn")


def test_scripted_tool_calls_are_called(gpt: openai.OpenAI, order: Any) -> None:
    calls = [{"name": "a", "arguments": {"x": 1}}, {"name": "b", "arguments": "no json"}]
    order(answer={"tool_calls": calls})
    answer = gpt.chat.completions.create(model="gpt-5.4", messages=HELLO)

    made: Any = answer.choices[0].message.tool_calls
    assert [(call.function.name, call.function.arguments) for call in made] == [("a", '{"x": 1}'), ("b", "no json")]
    assert answer.choices[0].finish_reason == "tool_calls"
