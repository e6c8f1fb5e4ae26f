"""OpenAI's Responses API as its official SDK speaks it, in the majors our users have, to both families of models."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from tests.conftest import ROOT, Platform, fresh

OLDER = ROOT / ".local/venvs/older-clients/bin/python"
CLAUDE, GPT = "claude-haiku-4-5", "gpt-4.1"


MAJORS = (("3", sys.executable), ("2", OLDER))


@pytest.fixture(
    scope="module",
    params=[(*major, model) for major in MAJORS for model in (CLAUDE, GPT)],
    ids=lambda each: f"openai {each[0]}.x, {each[2]}",
)
def seen(request: pytest.FixtureRequest, platform: Platform) -> dict[str, Any]:
    """What the user's program saw."""
    major, python, model = request.param
    platform.free()
    broken = fresh("gpt" if model == GPT else "claude")
    platform.order({"kind": "cut", "after_events": 5}, model=broken)
    program = [str(python), str(Path(__file__).with_name("responses_client.py"))]
    done = subprocess.run(
        [*program, f"{platform.url}/v1", platform.key, model, broken],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    platform.free()
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["sdk"].startswith(f"{major}.")
    return {**told, "model": model}


def test_a_question_is_answered_by_the_model_that_was_named(seen: dict[str, Any]) -> None:
    response = seen["text"]["response"]
    assert seen["text"]["text"]
    assert (response["status"], response["model"], response["store"]) == ("completed", seen["model"], False)
    assert response["instructions"] == "Answer in one sentence."


def test_the_answer_says_what_it_cost(seen: dict[str, Any]) -> None:
    headers, usage = seen["text"]["headers"], seen["text"]["response"]["usage"]
    assert float(headers["x-drey-cost-usd"]) == usage["cost"] > usage["cost_details"]["upstream_inference_cost"] > 0
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0


def test_a_tool_is_asked_for_and_its_result_is_used(seen: dict[str, Any]) -> None:
    asked = seen["tools"]["asked"]
    (call,) = [item for item in asked["output"] if item["type"] == "function_call"]
    assert (call["name"], call["status"], asked["status"]) == ("get_weather", "completed", "completed")
    assert isinstance(json.loads(call["arguments"])["city"], str)
    assert "21 degrees" in seen["tools"]["told"]


def test_a_parsed_answer_is_of_the_callers_own_class(seen: dict[str, Any]) -> None:
    assert seen["parsed"]["class"] == "Person"
    assert isinstance(seen["parsed"]["person"]["age"], int)


def test_an_answer_cut_at_its_limit_is_incomplete(seen: dict[str, Any]) -> None:
    told = seen["short"]
    assert (told["status"], told["incomplete_details"]["reason"]) == ("incomplete", "max_output_tokens")
    assert told["output"][-1]["status"] == "incomplete"


def test_a_streamed_answer_comes_in_numbered_pieces_and_ends_with_its_account(seen: dict[str, Any]) -> None:
    told = seen["streamed"]
    assert told["numbers"] == [*range(len(told["numbers"]))]
    assert told["last"] == "response.completed"
    assert told["said"] == told["text"] != ""
    usage = told["response"]["usage"]
    assert usage["cost"] > usage["cost_details"]["upstream_inference_cost"] > 0
    assert usage["output_tokens"] > 0


def test_a_streamed_call_of_a_tool_is_put_together(seen: dict[str, Any]) -> None:
    (call,) = [item for item in seen["streamed tools"] if item["type"] == "function_call"]
    assert (call["name"], call["status"]) == ("get_weather", "completed")
    assert isinstance(json.loads(call["arguments"])["city"], str)


def test_a_streamed_answer_is_parsed_too(seen: dict[str, Any]) -> None:
    assert isinstance(seen["streamed and parsed"]["age"], int)


def test_a_stream_that_its_provider_breaks_off_is_an_error_of_the_sdks(seen: dict[str, Any]) -> None:
    told = seen["cut"]
    assert told["kinds"][-1] == "response.failed"
    assert "response.output_text.done" not in told["kinds"]
    assert (told["class"], told["body"]["code"]) == ("APIError", "provider_error")
    assert float(told["body"]["cost"]) > 0


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("wrong key", ("AuthenticationError", "unauthorized", None)),
        ("kept", ("BadRequestError", "invalid_request", "previous_response_id")),
        ("web search", ("BadRequestError", "parameter_not_priced", "tools[0].type")),
        ("too many tokens", ("BadRequestError", "invalid_request", "max_output_tokens")),
        ("no such model", ("NotFoundError", "model_not_found", None)),
    ],
)
def test_each_error_is_the_sdks_own_exception(seen: dict[str, Any], case: str, expected: tuple[Any, ...]) -> None:
    told = seen["errors"][case]
    assert (told["class"], told["code"], told["param"]) == expected


def test_a_call_is_found_by_the_id_of_its_response(platform: Platform) -> None:
    client = openai.OpenAI(base_url=f"{platform.url}/v1", api_key=platform.key, max_retries=0)
    response = client.responses.create(model=CLAUDE, input="Hello")
    assert response.id.startswith("resp_")
    headers = {"x-api-key": platform.key}
    found = httpx2.get(f"{platform.url}/v1/generations/{response.id}", headers=headers).json()
    assert found["model"] == CLAUDE
    assert found["charged"] == response.model_dump()["usage"]["cost"]


def test_openai_hears_the_callers_tools_and_effort_in_chat_completions(understudy: Platform) -> None:
    client = openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=understudy.key, max_retries=0)
    parameters = {"type": "object", "properties": {}, "additionalProperties": False}
    tool: Any = {"type": "function", "name": "look", "description": "Look.", "parameters": parameters, "strict": True}
    client.responses.create(
        model=GPT,
        instructions="Be brief.",
        input=[{"role": "user", "content": [{"type": "input_text", "text": "Look."}]}],
        tools=[tool],
        parallel_tool_calls=False,
        max_output_tokens=90,
        prompt_cache_key="k",
        metadata={"of": "mine"},
        include=["reasoning.encrypted_content"],
    )
    asked = json.loads(understudy.asked()[0]["body"])
    limit = {name: asked.pop(name) for name in [*asked] if name in ("max_tokens", "max_completion_tokens")}
    assert [*limit.values()] == [90]
    asked.pop("service_tier", None)
    function = {"name": "look", "description": "Look.", "parameters": parameters, "strict": True}
    assert asked == {
        "model": GPT,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Look."}]},
        ],
        "tools": [{"type": "function", "function": function}],
        "parallel_tool_calls": False,
        "prompt_cache_key": "k",
    }


def test_what_claude_has_no_words_for_is_refused_by_its_name_here(understudy: Platform) -> None:
    client = openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=understudy.key, max_retries=0)
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=CLAUDE, input="Hello", reasoning={"effort": "high"})
    assert refused.value.param == "reasoning.effort"


def test_a_stream_is_booked_at_what_its_last_event_says(platform: Platform) -> None:
    client = openai.OpenAI(base_url=f"{platform.url}/v1", api_key=platform.key, max_retries=0)
    *_, last = client.responses.create(model=GPT, input="Hello", stream=True)
    assert last.type == "response.completed"
    headers = {"x-api-key": platform.key}
    found = httpx2.get(f"{platform.url}/v1/generations/{last.response.id}", headers=headers).json()
    assert found["charged"] == last.response.model_dump()["usage"]["cost"] > 0


def test_a_refused_stream_has_a_status_like_any_other(platform: Platform) -> None:
    client = openai.OpenAI(base_url=f"{platform.url}/v1", api_key=platform.key, max_retries=0)
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=CLAUDE, input="Hello", stream=True, max_output_tokens=10_000_000)
    assert refused.value.param == "max_output_tokens"


def test_a_buffered_stream_has_the_same_events_and_the_account_in_its_head(platform: Platform) -> None:
    client = openai.OpenAI(base_url=f"{platform.url}/v1", api_key=platform.key, max_retries=0)
    raw = client.responses.with_raw_response.create(
        model=CLAUDE, input="Hello", stream=True, extra_headers={"x-drey-stream-mode": "buffered"}
    )
    *_, last = raw.parse()
    assert last.type == "response.completed"
    assert float(raw.headers["x-drey-cost-usd"]) == last.response.model_dump()["usage"]["cost"]
