"""The official openai SDK as a client, in the majors our users have: whole answers."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llm_core import keys
from tests.conftest import ROOT, Platform, as_a_door, fresh

OLDER = ROOT / ".local/venvs/older-clients/bin/python"


@pytest.fixture(scope="module", params=[("3", sys.executable), ("2", str(OLDER))], ids=["openai 3.x", "openai 2.x"])
def seen(request: pytest.FixtureRequest, platform: Platform) -> dict[str, Any]:
    """What the user's program saw, under one major of the SDK."""
    major, python = request.param
    platform.free()
    overloaded, broken = fresh("alone"), fresh("gpt")
    platform.order({"kind": "status", "code": 529}, model=overloaded)
    platform.order({"kind": "status", "code": 500}, model=broken)
    with pytest.MonkeyPatch.context() as patch, as_a_door(platform, patch):
        narrow = keys.create("may only embed", user_id="local", terms=keys.Terms(["ai:embed"])).api_key
    program = [python, str(Path(__file__).with_name("openai_client.py")), f"{platform.url}/v1", platform.key, narrow]
    program.append(json.dumps({"overloaded": overloaded, "broken": broken}))
    done = subprocess.run(program, check=False, capture_output=True, text=True, timeout=60)
    platform.free()
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["sdk"].startswith(f"{major}.")
    return told


def test_a_question_is_answered_by_the_model_that_was_named(seen: dict[str, Any]) -> None:
    completion = seen["chat"]["completion"]
    assert completion["model"] == "claude-haiku-4-5"
    assert completion["choices"][0]["finish_reason"] == "stop"
    assert completion["choices"][0]["message"]["content"]


def test_the_answer_says_who_answered_and_what_it_cost(seen: dict[str, Any]) -> None:
    headers, usage = seen["chat"]["headers"], seen["chat"]["completion"]["usage"]
    assert headers["x-drey-provider"] == "anthropic"
    assert headers["x-drey-attempts"] == "1"
    assert headers["x-drey-fallback"] == "false"
    assert float(headers["x-drey-cost-usd"]) == usage["cost"] > usage["cost_details"]["upstream_inference_cost"] > 0
    assert float(headers["x-drey-overhead-ms"]) >= 0


def test_a_clients_own_request_id_is_kept(seen: dict[str, Any]) -> None:
    assert seen["chat"]["request_id"] == "label-of-mine"
    assert seen["chat"]["headers"]["request-id"] == "label-of-mine"


def test_a_tool_is_asked_for_and_its_result_is_used(seen: dict[str, Any]) -> None:
    asked = seen["tools"]["asked"]["choices"][0]
    assert asked["finish_reason"] == "tool_calls"
    call = asked["message"]["tool_calls"][0]["function"]
    assert call["name"] == "get_weather"
    assert isinstance(json.loads(call["arguments"])["city"], str)
    told = seen["tools"]["told"]["choices"][0]
    assert told["finish_reason"] == "stop"
    assert "21 degrees" in told["message"]["content"]


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "gpt-4.1"])
def test_a_parsed_answer_is_of_the_callers_own_class(seen: dict[str, Any], model: str) -> None:
    told = seen["structured"][model]
    assert told["class"] == "Person"
    assert isinstance(told["person"]["age"], int)


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "gpt-4.1"])
def test_a_picture_is_looked_at(seen: dict[str, Any], model: str) -> None:
    told = seen["image"][model]
    assert told["model"] == model
    assert told["choices"][0]["message"]["content"]
    assert told["usage"]["prompt_tokens"] > 85, "an image is 85 tokens for the understudy"


def test_vectors_are_the_same_in_both_encodings_and_in_the_order_of_their_texts(seen: dict[str, Any]) -> None:
    told = seen["embeddings"]
    assert told["order"] == [0, 1]
    assert told["short"] == 64
    assert told["usage"]["cost"] > 0
    for packed, plain in zip(told["usual"], told["plain"], strict=True):
        assert len(plain) == 1536
        assert packed == pytest.approx(plain, abs=1e-7)


def test_models_are_listed_with_prices(seen: dict[str, Any]) -> None:
    assert {"claude-haiku-4-5", "claude-sonnet-4-6", "gpt-4.1", "gpt-4.1-mini"} <= set(seen["models"]["list"])
    one = seen["models"]["one"]
    assert (one["id"], one["owned_by"]) == ("claude-haiku-4-5", "anthropic")
    assert one["pricing"]["input"] == 1.0


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("wrong key", ("AuthenticationError", 401, "unauthorized", None)),
        ("no such model", ("NotFoundError", 404, "model_not_found", None)),
        ("wrong type", ("BadRequestError", 400, "invalid_request", "max_tokens")),
        ("unknown field", ("BadRequestError", 400, "parameter_not_priced", "turbo")),
        ("too many tokens", ("BadRequestError", 400, "invalid_request", "max_tokens")),
        ("no logprobs at Claude", ("BadRequestError", 400, "invalid_request", "logprobs")),
        ("no such tier", ("BadRequestError", 400, "parameter_not_priced", "service_tier")),
        ("temperature on a model that takes none", ("BadRequestError", 400, "invalid_request", "temperature")),
        ("narrow key", ("PermissionDeniedError", 403, "insufficient_scope", None)),
        ("overloaded", ("InternalServerError", 503, "provider_overloaded", None)),
        ("broken", ("InternalServerError", 502, "provider_error", None)),
    ],
)
def test_each_error_is_the_sdks_own_exception(seen: dict[str, Any], case: str, expected: tuple[Any, ...]) -> None:
    error = seen["errors"][case]
    assert expected[0] in error["classes"]
    assert (error["status"], error["code"], error["param"]) == expected[1:]
    assert error["request_id"]


def test_an_unknown_model_comes_with_the_nearest_names(seen: dict[str, Any]) -> None:
    assert "claude-haiku-4-5" in seen["errors"]["no such model"]["message"]
