"""The official anthropic SDK as a client, in the majors our users have: whole answers."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llm_core import keys
from tests.conftest import ROOT, Platform, as_a_door, fresh

OLDER = ROOT / ".local/venvs/older-clients/bin/python"


@pytest.fixture(
    params=[("2", sys.executable), ("1", str(OLDER))], ids=["anthropic 2.x", "anthropic 1.x"], scope="module"
)
def major(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A major of the SDK, and the Python that has it."""
    chosen: tuple[str, str] = request.param
    return chosen


@pytest.fixture(scope="module")
def seen(major: tuple[str, str], platform: Platform) -> dict[str, Any]:
    """What the user's program saw, under one major of the SDK."""
    platform.free()
    overloaded, broken = fresh("alone"), fresh("alone")
    platform.order({"kind": "status", "code": 529}, model=overloaded)
    platform.order({"kind": "status", "code": 500}, model=broken)
    told = run(major[1], platform, {"overloaded": overloaded, "broken": broken})
    platform.free()
    assert told["sdk"].startswith(f"{major[0]}.")
    return told


def run(python: str, platform: Platform, failing: dict[str, str]) -> dict[str, Any]:
    """The user's program on this platform; `failing` are models whose errors it shall tell, by a name."""
    with pytest.MonkeyPatch.context() as patch, as_a_door(platform, patch):
        narrow = keys.create("may only embed", user_id="local", terms=keys.Terms(["ai:embed"])).api_key
    program = [python, str(Path(__file__).with_name("anthropic_client.py")), platform.url, platform.key, narrow]
    done = subprocess.run([*program, json.dumps(failing)], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_question_is_answered_by_the_model_that_was_named(seen: dict[str, Any]) -> None:
    message = seen["chat"]["message"]
    assert message["model"] == "claude-haiku-4-5"
    assert (message["type"], message["role"], message["stop_reason"]) == ("message", "assistant", "end_turn")
    assert message["content"][0]["text"]


def test_the_answer_says_who_answered_and_what_it_cost(seen: dict[str, Any]) -> None:
    headers, usage = seen["chat"]["headers"], seen["chat"]["message"]["usage"]
    assert headers["x-drey-provider"] == "anthropic"
    assert headers["x-drey-attempts"] == "1"
    assert headers["x-drey-fallback"] == "false"
    assert float(headers["x-drey-cost-usd"]) == usage["cost"] > usage["cost_details"]["upstream_inference_cost"] > 0


def test_a_clients_own_request_id_is_kept(seen: dict[str, Any]) -> None:
    assert seen["chat"]["request_id"] == "label-of-mine"
    assert seen["chat"]["headers"]["x-request-id"] == "label-of-mine"


def test_a_tool_is_asked_for_and_its_result_is_used(seen: dict[str, Any]) -> None:
    asked, told = seen["tools"]["asked"], seen["tools"]["told"]
    assert asked["stop_reason"] == "tool_use"
    call = next(block for block in asked["content"] if block["type"] == "tool_use")
    assert call["name"] == "get_weather"
    assert isinstance(call["input"]["city"], str)
    assert told["stop_reason"] == "end_turn"
    assert "21 degrees" in told["content"][0]["text"]


def test_a_parsed_answer_is_of_the_callers_own_class(seen: dict[str, Any]) -> None:
    assert seen["structured"]["class"] == "Person"
    assert isinstance(seen["structured"]["person"]["age"], int)


def test_a_picture_is_looked_at(seen: dict[str, Any]) -> None:
    assert seen["image"]["content"][0]["text"]
    assert seen["image"]["usage"]["input_tokens"] > 85, "an image is 85 tokens for the understudy"


def test_tokens_are_counted_as_they_are_charged_later(seen: dict[str, Any]) -> None:
    tokens = seen["tokens"]
    assert 0 < tokens["plain"] < tokens["with tools"] == tokens["charged"]


def test_models_are_listed_with_prices(seen: dict[str, Any]) -> None:
    assert {"claude-haiku-4-5", "claude-sonnet-4-6", "gpt-4.1", "gpt-4.1-mini"} <= set(seen["models"]["list"])
    one = seen["models"]["one"]
    assert (one["id"], one["type"]) == ("claude-haiku-4-5", "model")
    assert one["pricing"]["input"] == 1.0
    assert "claude-haiku-4-5" in seen["models"]["missing"]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("wrong key", ("AuthenticationError", 401, "authentication_error", "unauthorized", None)),
        ("narrow key", ("PermissionDeniedError", 403, "permission_error", "insufficient_scope", None)),
        ("no such model", ("NotFoundError", 404, "not_found_error", "model_not_found", None)),
        ("wrong type", ("BadRequestError", 400, "invalid_request_error", "invalid_request", "max_tokens")),
        ("unknown field", ("BadRequestError", 400, "invalid_request_error", "parameter_not_priced", "turbo")),
        (
            "temperature on a model that takes none",
            ("BadRequestError", 400, "invalid_request_error", "invalid_request", "temperature"),
        ),
        (
            "search without a bound",
            ("BadRequestError", 400, "invalid_request_error", "parameter_not_priced", "tools[0].max_uses"),
        ),
        ("overloaded", ("InternalServerError", 503, "overloaded_error", "provider_overloaded", None)),
        ("broken", ("InternalServerError", 502, "api_error", "provider_error", None)),
    ],
)
def test_each_error_is_the_sdks_own_exception(seen: dict[str, Any], case: str, expected: tuple[Any, ...]) -> None:
    error = seen["errors"][case]
    assert expected[0] in error["classes"]
    assert tuple(error[name] for name in ("status", "type", "code", "param")) == expected[1:]
    assert error["request_id"] == error["request_id_in_body"] != ""


def test_an_unknown_model_comes_with_the_nearest_names_each_once(seen: dict[str, Any]) -> None:
    message = seen["errors"]["no such model"]["message"]
    assert message.count("claude-haiku-4-5") == 1


def test_when_nobody_answers_the_error_says_what_each_attempt_heard(seen: dict[str, Any]) -> None:
    assert "529" in seen["errors"]["overloaded"]["message"]
    assert "500" in seen["errors"]["broken"]["message"]
