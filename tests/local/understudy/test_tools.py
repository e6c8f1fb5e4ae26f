"""Tools: which one is called, with what, and what is said about its result."""

import json
from typing import Any

import anthropic
import openai
import pytest

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 5}},
    "required": ["city", "days"],
}
SEARCH = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
FOR_CLAUDE: Any = [
    {"name": "search", "description": "Search the library", "input_schema": SEARCH},
    {"name": "get_weather", "description": "The weather of a city", "input_schema": WEATHER},
]
FOR_GPT: Any = [
    {"type": "function", "function": {"name": tool["name"], "parameters": tool["input_schema"]}} for tool in FOR_CLAUDE
]
ASKED: Any = [{"role": "user", "content": "How is the weather in Oslo for 4 days?"}]
BOTH: Any = [{"role": "user", "content": "Use get_weather for Oslo, and search for squirrels."}]


@pytest.mark.parametrize("streamed", [False, True])
def test_claude_calls_the_fitting_tool_and_then_speaks_of_its_result(
    claude: anthropic.Anthropic, streamed: bool
) -> None:
    asked: Any = {"model": "claude-sonnet-4-6", "max_tokens": 300, "tools": FOR_CLAUDE}

    def ask(messages: Any) -> Any:
        if not streamed:
            return claude.messages.create(messages=messages, **asked)
        with claude.messages.stream(messages=messages, **asked) as stream:
            return stream.get_final_message()

    calling = ask(ASKED)
    (call,) = calling.content
    assert calling.stop_reason == "tool_use"
    assert call.id.startswith("toolu_")
    assert (call.name, call.input) == ("get_weather", {"city": "Oslo", "days": 4})

    result = {"type": "tool_result", "tool_use_id": call.id, "content": "12 degrees and rain"}
    asked_back = [*ASKED, {"role": "assistant", "content": [call.to_dict()]}, {"role": "user", "content": [result]}]
    final = ask(asked_back)
    assert final.stop_reason == "end_turn"
    assert "12 degrees and rain" in final.content[0].text


@pytest.mark.parametrize("streamed", [False, True])
def test_gpt_calls_the_fitting_tool_and_then_speaks_of_its_result(gpt: openai.OpenAI, streamed: bool) -> None:
    asked: Any = {"model": "gpt-5.4", "tools": FOR_GPT}

    def ask(messages: Any) -> Any:
        if not streamed:
            return gpt.chat.completions.create(messages=messages, **asked).choices[0]
        with gpt.chat.completions.stream(messages=messages, **asked) as stream:
            return stream.until_done().get_final_completion().choices[0]

    calling = ask(ASKED)
    (call,) = calling.message.tool_calls
    assert calling.finish_reason == "tool_calls"
    assert call.id.startswith("call_")
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Oslo", "days": 4}

    said = {"role": "assistant", "tool_calls": [{"id": call.id, "type": "function", "function": {
        "name": call.function.name, "arguments": call.function.arguments}}]}  # fmt: skip
    final = ask([*ASKED, said, {"role": "tool", "tool_call_id": call.id, "content": "12 degrees and rain"}])
    assert final.finish_reason == "stop"
    assert "12 degrees and rain" in final.message.content


def test_tools_that_are_named_are_called_together(claude: anthropic.Anthropic, gpt: openai.OpenAI) -> None:
    answer = claude.messages.create(model="claude-sonnet-4-6", max_tokens=300, tools=FOR_CLAUDE, messages=BOTH)
    other = gpt.chat.completions.create(model="gpt-5.4", tools=FOR_GPT, messages=BOTH)

    assert {block.to_dict()["name"] for block in answer.content} == {"search", "get_weather"}
    calls: Any = other.choices[0].message.tool_calls
    assert {call.function.name for call in calls} == {"search", "get_weather"}
    assert len({call.id for call in calls}) == 2


def test_one_at_a_time_is_respected(claude: anthropic.Anthropic, gpt: openai.OpenAI) -> None:
    answer = claude.messages.create(
        model="claude-sonnet-4-6",
        max_tokens=300,
        tools=FOR_CLAUDE,
        messages=BOTH,
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
    )
    other = gpt.chat.completions.create(model="gpt-5.4", tools=FOR_GPT, messages=BOTH, parallel_tool_calls=False)

    assert len(answer.content) == 1
    assert len(other.choices[0].message.tool_calls or []) == 1


def test_choices_are_obeyed(gpt: openai.OpenAI) -> None:
    def called(choice: Any, text: str) -> list[str]:
        asked: Any = [{"role": "user", "content": text}]
        answer = gpt.chat.completions.create(model="gpt-5.4", tools=FOR_GPT, messages=asked, tool_choice=choice)
        calls: Any = answer.choices[0].message.tool_calls or []
        return [call.function.name for call in calls]

    forced = {"type": "function", "function": {"name": "search"}}
    assert called("none", "How is the weather?") == []
    assert called(forced, "How is the weather?") == ["search"]
    assert called("required", "Good morning") == ["search"]


def test_a_call_without_its_result_is_refused(claude: anthropic.Anthropic) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "search", "input": {"query": "x"}}
    messages: Any = [*ASKED, {"role": "assistant", "content": [call]}, {"role": "user", "content": "And?"}]

    with pytest.raises(anthropic.BadRequestError, match="toolu_1"):
        claude.messages.create(model="claude-sonnet-4-6", max_tokens=300, tools=FOR_CLAUDE, messages=messages)
