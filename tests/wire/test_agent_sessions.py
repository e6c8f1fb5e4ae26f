"""The requests of coding agents, as they send them today: each is served, and reaches the provider whole.

Their shapes are those of agents of autumn 2026; their words are ours.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from llm_core import keys, ledger
from llm_core.keys import NewKey, Terms
from tests.conftest import Platform, fresh

HERE = Path(__file__).parent
MESSAGES: list[dict[str, Any]] = json.loads((HERE / "agent_session_messages.json").read_text())
RESPONSES: list[dict[str, Any]] = json.loads((HERE / "agent_session_responses.json").read_text())

OURS = {"model", "max_tokens", "stream"}


def named(step: dict[str, Any]) -> str:
    return str(step["does"])


@pytest.fixture
def key(inside: Platform) -> NewKey:
    return keys.create("agent", user_id="coder", terms=Terms({"ai:complete"}))


def send(platform: Platform, key: NewKey, step: dict[str, Any], **changed: Any) -> httpx2.Response:
    headers = {**step["headers"], "authorization": f"Bearer {key.api_key}"}
    body = step["body"] | changed
    return platform.http.post(f"{platform.url}{step['path']}", json=body, headers=headers)


def events(answer: httpx2.Response) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]


@pytest.mark.parametrize("step", MESSAGES, ids=named)
def test_a_session_in_anthropics_dialect(understudy: Platform, key: NewKey, step: dict[str, Any]) -> None:
    answer = send(understudy, key, step)
    assert answer.status_code == 200, answer.text
    asked = understudy.asked()[0]
    sent = json.loads(asked["body"])
    assert {name: value for name, value in sent.items() if name not in OURS} == {
        name: value for name, value in step["body"].items() if name not in OURS
    }
    assert asked["headers"]["anthropic-beta"] == step["headers"]["anthropic-beta"]
    if step["body"].get("stream"):
        told = events(answer)
        assert (told[0]["type"], told[-1]["type"]) == ("message_start", "message_stop")
        assert told[-2]["usage"]["cost"] > 0
        assert ledger.find("coder", told[0]["message"]["id"])["outcome"] == "ok"
    elif "count_tokens" in step["path"]:
        assert answer.json()["input_tokens"] > 100


@pytest.mark.parametrize("step", [step for step in MESSAGES if step["body"].get("stream")], ids=named)
def test_bedrock_answers_the_same_session_when_anthropic_does_not(
    understudy: Platform, key: NewKey, step: dict[str, Any]
) -> None:
    """It hears of the betas that it knows, in its own place, and of nothing that it would refuse."""
    model = fresh("claude")
    understudy.order({"kind": "status", "code": 529, "retry_after": 30}, provider="anthropic", model=model)
    answer = send(understudy, key, step, model=model, temperature=None)  # what it is called tells no generation
    assert (answer.status_code, answer.headers.get("x-drey-provider")) == (200, "bedrock"), answer.text
    asked = understudy.asked()[0]
    sent = json.loads(asked["body"])
    assert "anthropic-beta" not in asked["headers"]
    assert set(sent.get("anthropic_beta", [])) <= {
        "interleaved-thinking-2025-05-14",
        "fine-grained-tool-streaming-2025-05-14",
    }
    assert "context_management" not in sent
    assert sent["messages"] == step["body"]["messages"]


@pytest.mark.parametrize("step", RESPONSES, ids=named)
@pytest.mark.parametrize("family", ["gpt", "claude"])
def test_a_session_in_openais_responses(understudy: Platform, key: NewKey, step: dict[str, Any], family: str) -> None:
    """Of models that are none of OpenAI's the agents know no effort and no verbosity, and send none."""
    changed: dict[str, Any] = {"model": fresh(family)}
    if family == "claude":
        changed |= {"reasoning": None, "text": {**(step["body"].get("text") or {}), "verbosity": None}}
    answer = send(understudy, key, step, **changed)
    assert answer.status_code == 200, answer.text
    told = events(answer)
    assert (told[0]["type"], told[-1]["type"]) == ("response.created", "response.completed")
    assert [each["sequence_number"] for each in told] == list(range(len(told)))
    usage = told[-1]["response"]["usage"]
    assert usage["output_tokens"] > 0
    assert usage["cost"] > 0


def test_a_beta_that_nobody_knows_is_refused_by_its_name(understudy: Platform, key: NewKey) -> None:
    step = MESSAGES[0]
    headers = {**step["headers"], "anthropic-beta": "claude-code-20250219, dearer-answers-2027-01-01"}
    answer = send(understudy, key, step | {"headers": headers})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("parameter_not_priced", "anthropic-beta")
    assert "dearer-answers-2027-01-01" in error["message"]


@pytest.mark.parametrize(("model", "status"), [("claude-sonnet-4-6", 200), ("claude-haiku-4-5", 400)])
def test_a_longer_window_is_served_where_it_does_not_change_the_price(
    understudy: Platform, key: NewKey, model: str, status: int
) -> None:
    headers = {**MESSAGES[0]["headers"], "anthropic-beta": "context-1m-2025-08-07"}
    answer = send(understudy, key, MESSAGES[0] | {"headers": headers}, model=model)
    assert answer.status_code == status, answer.text


def test_betas_mean_nothing_to_another_family_and_are_no_hindrance(understudy: Platform, key: NewKey) -> None:
    step = MESSAGES[3]
    changed = {"model": fresh("gpt"), "thinking": None, "output_config": None}
    answer = send(understudy, key, step, **changed)
    assert answer.status_code == 200, answer.text
    assert "anthropic-beta" not in understudy.asked()[0]["headers"]


def test_instructions_in_the_middle_reach_another_family_at_the_beginning(understudy: Platform, key: NewKey) -> None:
    step = MESSAGES[5]
    changed = {"model": fresh("gpt"), "thinking": None, "output_config": None}
    said = [message for message in step["body"]["messages"] if message["role"] != "assistant"]
    told = [part for part in step["body"]["messages"][1]["content"] if part["type"] != "thinking"]
    messages = [said[0], {"role": "assistant", "content": told}, *said[1:]]
    answer = send(understudy, key, step, messages=messages, **changed)
    assert answer.status_code == 200, answer.text
    first = json.loads(understudy.asked()[0]["body"])["messages"][0]
    assert first["role"] in ("system", "developer")
    assert "saved src/nest.py" in json.dumps(first)
