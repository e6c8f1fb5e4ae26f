"""One dialect in, another model's out: an OpenAI client asks Claude, an Anthropic client asks GPT.

What both can say is translated; what the other cannot say is refused by the field's name, before anybody is asked.
"""

import json
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from pydantic import BaseModel, ConfigDict

from tests.conftest import Platform, fresh

CLAUDE, GPT = "claude-haiku-4-5", "gpt-4.1"
PIXEL = "iVBORw0KGgo="
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION: Any = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather.", "parameters": PARAMETERS},
}
TOOL: Any = {"name": "get_weather", "description": "The weather.", "input_schema": PARAMETERS}
HELLO: Any = {"role": "user", "content": "Hello"}


@pytest.fixture
def gpts(understudy: Platform) -> openai.OpenAI:
    """The client of somebody who knows OpenAI's API."""
    return openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=understudy.key, max_retries=0)


@pytest.fixture
def claudes(understudy: Platform) -> anthropic.Anthropic:
    """The client of somebody who knows Anthropic's API."""
    return anthropic.Anthropic(base_url=understudy.url, api_key=understudy.key, max_retries=0)


def _asked(understudy: Platform) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(understudy.asked()[0]["body"])
    return body


# An OpenAI client asks Claude


def test_instructions_and_limits_are_said_in_claudes_words(gpts: openai.OpenAI, understudy: Platform) -> None:
    gpts.chat.completions.create(
        model=CLAUDE,
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
        ],
        max_completion_tokens=90,
        temperature=1.6,
        top_p=0.9,
        stop=["END", "STOP"],
        user="u-1",
        seed=7,
    )

    assert _asked(understudy) == {
        "model": CLAUDE,
        "max_tokens": 90,
        "system": "Be brief.\n\nBe kind.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
        "stop_sequences": ["END", "STOP"],
        "metadata": {"user_id": "u-1"},
        "temperature": 1.0,  # Anthropic's scale ends here
        "top_p": 0.9,
    }


def test_a_round_of_tools_is_said_in_claudes_words(gpts: openai.OpenAI, understudy: Platform) -> None:
    question: Any = {"role": "user", "content": "Use get_weather for Lisbon."}
    asked = gpts.chat.completions.create(model=CLAUDE, messages=[question], tools=[FUNCTION], tool_choice="required")
    call: Any = (asked.choices[0].message.tool_calls or [])[0]
    assert asked.choices[0].finish_reason == "tool_calls"
    assert _asked(understudy)["tool_choice"] == {"type": "any"}

    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "21 degrees"}
    answered: Any = asked.choices[0].message
    gpts.chat.completions.create(
        model=CLAUDE, messages=[question, answered, result], tools=[FUNCTION], parallel_tool_calls=False
    )

    body = _asked(understudy)
    assert body["tools"] == [TOOL]
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    made = {"type": "tool_use", "id": call.id, "name": "get_weather", "input": json.loads(call.function.arguments)}
    assert body["messages"][1] == {"role": "assistant", "content": [made]}
    assert body["messages"][2]["content"] == [{"type": "tool_result", "tool_use_id": call.id, "content": "21 degrees"}]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("none", {"type": "none"}),
        ("auto", {"type": "auto"}),
        ({"type": "function", "function": {"name": "get_weather"}}, {"type": "tool", "name": "get_weather"}),
    ],
    ids=str,
)
def test_a_choice_of_tools_is_said_in_claudes_words(
    gpts: openai.OpenAI, understudy: Platform, choice: Any, expected: dict[str, Any]
) -> None:
    gpts.chat.completions.create(model=CLAUDE, messages=[HELLO], tools=[FUNCTION], tool_choice=choice)

    assert _asked(understudy)["tool_choice"] == expected


def test_a_strict_tool_stays_strict_for_claude(gpts: openai.OpenAI, understudy: Platform) -> None:
    strict: Any = {"type": "function", "function": {**FUNCTION["function"], "strict": True}}

    gpts.chat.completions.create(model=CLAUDE, messages=[HELLO], tools=[strict])

    assert _asked(understudy)["tools"][0].get("strict") is True


def test_pictures_reach_claude(gpts: openai.OpenAI, understudy: Platform) -> None:
    parts: Any = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]

    gpts.chat.completions.create(model=CLAUDE, messages=[{"role": "user", "content": parts}])

    assert _asked(understudy)["messages"][0]["content"][1:] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
    ]


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    age: int


def test_claude_answers_in_the_openai_callers_own_class(gpts: openai.OpenAI, understudy: Platform) -> None:
    parsed = gpts.chat.completions.parse(
        model=CLAUDE, messages=[{"role": "user", "content": "Ada is 36."}], response_format=Person
    )

    assert isinstance(parsed.choices[0].message.parsed, Person)
    told = _asked(understudy)["output_config"]["format"]
    assert (told["type"], told["schema"]["required"]) == ("json_schema", ["name", "age"])


def _open_objects(schema: Any) -> list[Any]:
    """The objects in a schema that may have more properties than they name: Claude refuses those."""
    if isinstance(schema, list):
        return [found for each in schema for found in _open_objects(each)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if schema.get("type") == "object" and schema.get("additionalProperties") is not False else []
    return own + [found for each in schema.values() for found in _open_objects(each)]


def test_a_schema_that_openai_would_take_is_closed_for_claude(gpts: openai.OpenAI, understudy: Platform) -> None:
    # Anthropic: "For 'object' type, 'additionalProperties' must be explicitly set to false", a 400.
    nested = {"type": "object", "properties": {"city": {"type": "string"}}}
    schema: Any = {"type": "object", "properties": {"home": nested}, "required": ["home"]}

    gpts.chat.completions.create(
        model=CLAUDE,
        messages=[HELLO],
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    )

    assert _open_objects(_asked(understudy)["output_config"]["format"]["schema"]) == []


def test_any_json_object_is_nothing_that_claude_can_be_held_to(understudy: Platform) -> None:
    # A schema of no properties is either refused by Anthropic (open) or can only be answered by {} (closed).
    body = {"model": CLAUDE, "messages": [HELLO], "response_format": {"type": "json_object"}}

    answer = httpx2.post(f"{understudy.url}/v1/chat/completions", json=body, headers={"x-api-key": understudy.key})

    if answer.status_code == 200:
        assert "output_config" not in _asked(understudy), "an instruction can be given, a schema cannot"
    else:
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "response_format")


def test_what_claude_reports_is_read_as_openai_reports_it(gpts: openai.OpenAI, understudy: Platform) -> None:
    understudy.perform({"text": "ok", "cache_read_tokens": 30, "cache_write_tokens": 20, "thinking": "Hm."})

    completion = gpts.chat.completions.create(model=CLAUDE, messages=[{"role": "user", "content": "x" * 400}])

    sold = understudy.sold()[-1]["usage"]
    usage = completion.usage
    assert usage
    assert usage.prompt_tokens_details
    assert usage.prompt_tokens == sold["input"] + 50
    assert usage.prompt_tokens_details.cached_tokens == 30
    assert usage.completion_tokens == sold["output"]
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert completion.choices[0].message.content == "ok", "thinking has no place in this dialect"


@pytest.mark.parametrize(
    ("stop_reason", "expected"),
    [("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"),
     ("model_context_window_exceeded", "length"), ("pause_turn", "length"), ("of_the_future", "length")],
)  # fmt: skip
def test_why_claude_stopped_is_said_in_openais_words(
    gpts: openai.OpenAI, understudy: Platform, stop_reason: str, expected: str
) -> None:
    understudy.perform({"text": "x", "stop_reason": stop_reason})

    assert gpts.chat.completions.create(model=CLAUDE, messages=[HELLO]).choices[0].finish_reason == expected


def test_claudes_refusal_is_no_error_and_is_not_taken_elsewhere(gpts: openai.OpenAI, understudy: Platform) -> None:
    model = fresh("claude")
    understudy.order({"kind": "refusal", "message": "Not this."}, model=model)

    raw = gpts.chat.completions.with_raw_response.create(model=model, messages=[HELLO])

    choice = raw.parse().choices[0]
    assert (choice.finish_reason, choice.message.content) == ("content_filter", None)
    assert choice.message.refusal is not None, "the caller can tell a refusal from an empty answer"
    assert raw.headers["x-drey-attempts"] == "1"


# An Anthropic client asks GPT


def test_instructions_and_limits_are_said_in_gpts_words(claudes: anthropic.Anthropic, understudy: Platform) -> None:
    claudes.messages.create(
        model=GPT,
        max_tokens=90,
        system=[
            {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "Be kind."},
        ],
        messages=[{"role": "user", "content": "Hello"}],
        stop_sequences=["END"],
        metadata={"user_id": "u-1"},
        extra_body={"temperature": 0.6, "top_p": 0.9},
    )

    assert _asked(understudy) == {
        "model": GPT,
        "max_completion_tokens": 90,
        "service_tier": "default",
        "messages": [
            {"role": "system", "content": "Be brief.\n\nBe kind."},
            {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
        ],
        "stop": ["END"],
        "safety_identifier": "u-1",
        "temperature": 0.6,
        "top_p": 0.9,
    }


def test_a_round_of_tools_is_said_in_gpts_words(claudes: anthropic.Anthropic, understudy: Platform) -> None:
    question: Any = {"role": "user", "content": "Use get_weather for Lisbon."}
    asked = claudes.messages.create(
        model=GPT, max_tokens=100, messages=[question], tools=[TOOL], tool_choice={"type": "any"}
    )
    call = next(block for block in asked.content if block.type == "tool_use")
    assert asked.stop_reason == "tool_use"
    assert _asked(understudy)["tool_choice"] == "required"

    answered: Any = {"role": "assistant", "content": asked.content}
    result: Any = {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "21 degrees"}]},
            {"type": "text", "text": "So?"},
        ],
    }
    claudes.messages.create(
        model=GPT,
        max_tokens=100,
        messages=[question, answered, result],
        tools=[TOOL],
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
    )

    body = _asked(understudy)
    assert body["tools"] == [FUNCTION]
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("auto", False)
    assert body["messages"][1]["tool_calls"][0]["id"] == call.id
    assert json.loads(body["messages"][1]["tool_calls"][0]["function"]["arguments"]) == call.input
    assert body["messages"][2:] == [
        {"role": "tool", "tool_call_id": call.id, "content": "21 degrees"},
        {"role": "user", "content": [{"type": "text", "text": "So?"}]},
    ]


def test_a_strict_tool_stays_strict_for_gpt(claudes: anthropic.Anthropic, understudy: Platform) -> None:
    strict: Any = {**TOOL, "strict": True}

    claudes.messages.create(model=GPT, max_tokens=100, messages=[HELLO], tools=[strict])

    assert _asked(understudy)["tools"][0]["function"].get("strict") is True


def test_a_tool_that_failed_says_so_to_gpt(claudes: anthropic.Anthropic, understudy: Platform) -> None:
    messages: Any = [
        HELLO,
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "get_weather", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "no", "is_error": True}]},
    ]

    claudes.messages.create(model=GPT, max_tokens=100, messages=messages, tools=[TOOL])

    assert _asked(understudy)["messages"][-1]["content"] == "no"


def test_pictures_reach_gpt(claudes: anthropic.Anthropic, understudy: Platform) -> None:
    parts: Any = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "text", "text": "What is this?"},
    ]

    claudes.messages.create(model=GPT, max_tokens=100, messages=[{"role": "user", "content": parts}])

    assert _asked(understudy)["messages"][0]["content"][:2] == [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]


def test_gpt_answers_in_the_anthropic_callers_own_class(claudes: anthropic.Anthropic, understudy: Platform) -> None:
    parsed = claudes.messages.parse(
        model=GPT, max_tokens=200, messages=[{"role": "user", "content": "Ada is 36."}], output_format=Person
    )

    assert isinstance(parsed.parsed_output, Person)
    told = _asked(understudy)["response_format"]["json_schema"]
    assert (told["strict"], told["schema"]["required"]) == (True, ["name", "age"])


def test_what_gpt_reports_is_read_as_anthropic_reports_it(claudes: anthropic.Anthropic, understudy: Platform) -> None:
    understudy.perform({"text": "ok", "cache_read_tokens": 30, "cache_write_tokens": 20})

    message = claudes.messages.create(model=GPT, max_tokens=100, messages=[{"role": "user", "content": "x" * 400}])

    sold = understudy.sold()[-1]["usage"]
    assert (message.usage.input_tokens, message.usage.output_tokens) == (sold["input"], sold["output"])
    assert (message.usage.cache_read_input_tokens, message.usage.cache_creation_input_tokens) == (30, 20)


@pytest.mark.parametrize(
    ("finish_reason", "expected"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), ("of_the_future", "max_tokens")],
)
def test_why_gpt_stopped_is_said_in_anthropics_words(
    claudes: anthropic.Anthropic, understudy: Platform, finish_reason: str, expected: str
) -> None:
    understudy.perform({"text": "x", "stop_reason": finish_reason})

    assert claudes.messages.create(model=GPT, max_tokens=100, messages=[HELLO]).stop_reason == expected


def test_gpts_refusal_is_a_refusal_with_its_words(claudes: anthropic.Anthropic, understudy: Platform) -> None:
    understudy.order({"kind": "refusal", "message": "Not this."}, model=GPT)

    message = claudes.messages.create(model=GPT, max_tokens=100, messages=[HELLO])

    assert message.stop_reason == "refusal"
    assert [block.text for block in message.content if block.type == "text"] == ["Not this."]


def test_arguments_that_are_no_json_are_not_hidden(claudes: anthropic.Anthropic, understudy: Platform) -> None:
    understudy.perform({"tool_calls": [{"name": "get_weather", "arguments": '{"city": "Lis'}]})

    message = claudes.messages.create(model=GPT, max_tokens=100, messages=[HELLO], tools=[TOOL])

    assert [block.input for block in message.content if block.type == "tool_use"] == [{"invalid_json": '{"city": "Lis'}]


# What the other cannot say


def _said_before(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [HELLO, {"role": "assistant", "content": [*blocks]}, HELLO]}


def _shown(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [*blocks]}]}


DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}}
UNSAYABLE: list[tuple[str, str, dict[str, Any], str]] = [
    ("/v1/chat/completions", CLAUDE, {"logprobs": True}, "logprobs"),
    ("/v1/chat/completions", CLAUDE, {"logprobs": True, "top_logprobs": 2}, "logprobs"),
    ("/v1/chat/completions", CLAUDE, {"logit_bias": {"1": 5}}, "logit_bias"),
    ("/v1/chat/completions", CLAUDE, {"presence_penalty": 0.5}, "presence_penalty"),
    ("/v1/chat/completions", CLAUDE, {"frequency_penalty": 0.5}, "frequency_penalty"),
    ("/v1/chat/completions", CLAUDE, {"reasoning_effort": "low"}, "reasoning_effort"),
    ("/v1/chat/completions", CLAUDE, {"verbosity": "low"}, "verbosity"),
    ("/v1/chat/completions", CLAUDE, {"service_tier": "priority"}, "service_tier"),
    ("/v1/chat/completions", CLAUDE, {"n": 2}, "n"),
    ("/v1/chat/completions", CLAUDE, _shown({"type": "file", "file": {"file_id": "f"}}), "messages"),
    ("/v1/messages", GPT, {"thinking": {"type": "enabled", "budget_tokens": 1024}}, "thinking"),
    ("/v1/messages", GPT, {"output_config": {"effort": "low"}}, "output_config.effort"),
    ("/v1/messages", GPT, {"top_k": 5}, "top_k"),
    ("/v1/messages", GPT, {"inference_geo": "us"}, "inference_geo"),
    ("/v1/messages", GPT, {"tools": [{"type": "bash_20250124", "name": "bash"}]}, "tools"),
    ("/v1/messages", GPT, _shown(DOCUMENT), "messages"),
    ("/v1/messages", GPT, _said_before({"type": "thinking", "thinking": "Hm.", "signature": "s"}), "messages"),
    ("/v1/messages", GPT, {"messages": [
        HELLO,
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}]}]},
    ]}, "messages"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "model", "body", "param"), UNSAYABLE, ids=str)
def test_what_the_other_dialect_cannot_say_is_refused_by_its_name(
    understudy: Platform, path: str, model: str, body: dict[str, Any], param: str
) -> None:
    before = understudy.asked()[0]["seq"]
    asked = {"model": model, "max_tokens": 2000, "messages": [HELLO], **body}

    answer = httpx2.post(f"{understudy.url}{path}", json=asked, headers={"x-api-key": understudy.key})

    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param
    assert understudy.asked()[0]["seq"] == before, "and nobody was asked"


# A chain of the caller's own


def test_a_chain_of_ones_own_may_cross_families(gpts: openai.OpenAI, understudy: Platform) -> None:
    first, second = fresh("gpt"), fresh("alone")
    understudy.order({"kind": "status", "code": 500}, model=first)

    raw = gpts.chat.completions.with_raw_response.create(
        model=first, messages=[HELLO], extra_body={"models": [first, second]}
    )

    assert raw.parse().model == second
    assert (raw.headers["x-drey-fallback"], raw.headers["x-drey-provider"]) == ("true", "anthropic")


def test_the_model_that_is_named_stands_before_the_chain(gpts: openai.OpenAI, understudy: Platform) -> None:
    """OpenRouter's form: `model` is asked first, `models` in their order after it."""
    named, next_one = fresh("gpt"), fresh("alone")

    completion = gpts.chat.completions.create(model=named, messages=[HELLO], extra_body={"models": [next_one]})

    assert completion.model == named


def test_without_a_model_the_chain_is_the_scope(understudy: Platform) -> None:
    first, second = fresh("alone"), fresh("gpt")
    understudy.order({"kind": "status", "code": 500}, model=first)
    body = {"models": [first, second], "max_tokens": 100, "messages": [HELLO]}

    answer = httpx2.post(f"{understudy.url}/v1/messages", json=body, headers={"x-api-key": understudy.key})

    assert answer.json()["model"] == second
    assert answer.json()["content"][0]["type"] == "text"


def test_a_candidate_that_cannot_do_what_is_asked_is_left_out_of_the_chain(
    gpts: openai.OpenAI, understudy: Platform
) -> None:
    first, unable, able = fresh("gpt"), fresh("alone"), fresh("gpt")
    understudy.order({"kind": "status", "code": 500}, model=first)

    completion = gpts.chat.completions.create(
        model=first, messages=[HELLO], n=2, extra_body={"models": [first, unable, able]}
    )

    assert completion.model == able
    assert unable not in [asked["model"] for asked in understudy.asked(20)]


def test_an_unknown_name_in_the_chain_is_told_before_anybody_is_asked(
    gpts: openai.OpenAI, understudy: Platform
) -> None:
    with pytest.raises(openai.NotFoundError, match=r"gpt-4\.1-minni"):
        gpts.chat.completions.create(model=GPT, messages=[HELLO], extra_body={"models": [GPT, "gpt-4.1-minni"]})
