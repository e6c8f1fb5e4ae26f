"""A caller's own provider key, sent or kept: whose key the provider sees, who pays, and where the key is never seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import anthropic
import httpx2
import openai
import pytest

from llm_core import byok, keys, ledger
from llm_core.aws import clients, table
from tests.conftest import ROOT, Platform, fresh

Post = Callable[..., httpx2.Response]
HELLO: list[Any] = [{"role": "user", "content": "What is a squirrel's nest called?"}]
CANARY = "canary-own-key/4711+of=ada"


@pytest.fixture
def secret() -> str:
    """A key that looks like none, so that nothing but its being known strikes it out."""
    return f"own-key-{uuid4().hex}"


@pytest.fixture
def made(inside: Platform) -> keys.NewKey:
    return keys.create("byok", user_id="byok", terms=keys.Terms({"ai:complete", "ai:embed"}))


@pytest.fixture
def post(understudy: Platform, made: keys.NewKey, secret: str) -> Post:
    """Post with a key of one's own for Anthropic, unless other headers are given."""

    def send(path: str, headers: dict[str, str] | None = None, **body: Any) -> httpx2.Response:
        own = {"x-user-api-key": secret, "x-user-provider": "anthropic"} if headers is None else headers
        return understudy.http.post(f"{understudy.url}{path}", json=body, headers={"x-api-key": made.api_key, **own})

    return send


def seen(platform: Platform, model: str) -> list[tuple[str, str]]:
    """Provider and key of each call for this model that reached the understudy's books."""
    return [(sale["provider"], sale["key"]) for sale in platform.sold() if model in sale["model"]]


# ------------------------------------------------------------------------------------------- both SDKs


def test_openais_client_pays_claude_with_its_own_key(understudy: Platform, made: keys.NewKey, secret: str) -> None:
    own = {"X-User-API-Key": secret, "X-User-Provider": "anthropic"}
    client = openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=made.api_key, default_headers=own)
    model = fresh("claude")
    raw = client.chat.completions.with_raw_response.create(model=model, messages=HELLO)
    answer = raw.parse()
    assert seen(understudy, model) == [("anthropic", secret)]
    assert raw.headers["x-drey-cost-usd"] == "0"
    assert answer.usage is not None
    told = answer.usage.model_dump()
    assert told["cost"] == 0 < told["cost_details"]["upstream_inference_cost"]
    row = ledger.find("byok", answer.id)
    assert (row["byok"], row["charged"], row["outcome"], row["provider"]) == (True, 0, "ok", "anthropic")
    assert row["cost"] > 0
    assert row["tokens"]["output"] == told["completion_tokens"] > 0


def test_anthropics_client_pays_gpt_with_its_own_key(understudy: Platform, made: keys.NewKey, secret: str) -> None:
    own = {"X-User-API-Key": secret, "X-User-Provider": "openai"}
    client = anthropic.Anthropic(base_url=understudy.url, api_key=made.api_key, default_headers=own)
    model = fresh("gpt")
    answer = client.messages.create(model=model, messages=HELLO, max_tokens=50)
    assert seen(understudy, model) == [("openai", secret)]
    assert answer.usage.model_dump()["cost"] == 0


def test_a_key_that_the_provider_refuses_is_a_bad_request_and_not_a_wrong_key_of_ours(
    understudy: Platform, made: keys.NewKey, secret: str
) -> None:
    own, model = {"X-User-API-Key": secret, "X-User-Provider": "anthropic"}, fresh("claude")
    understudy.order({"kind": "status", "code": 401, "message": f"invalid x-api-key {secret}"}, key=secret)
    gpt = openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=made.api_key, default_headers=own)
    with pytest.raises(openai.BadRequestError) as refused:
        gpt.chat.completions.create(model=model, messages=HELLO)
    assert refused.value.code == "provider_key_refused"
    assert "not about your key here" in refused.value.message
    claude = anthropic.Anthropic(base_url=understudy.url, api_key=made.api_key, default_headers=own)
    with pytest.raises(anthropic.BadRequestError) as told:
        claude.messages.create(model=model, messages=HELLO, max_tokens=50)
    for error in (refused.value, told.value):
        assert secret not in str(error.body)
    assert len([each for each in understudy.asked(10_000) if model in (each["model"] or "")]) == 2, "once each"


# ------------------------------------------------------------------------------------------- the chain


def test_the_platform_pays_for_no_fallback(post: Post, understudy: Platform) -> None:
    model = fresh("claude")
    understudy.order({"kind": "status", "code": 529, "retry_after": 30}, provider="anthropic", model=model)
    assert post("/v1/complete", model=model, messages=HELLO).status_code == 503
    assert {each["provider"] for each in understudy.asked(10_000) if model in (each["model"] or "")} == {"anthropic"}


def test_unless_the_caller_says_so(post: Post, understudy: Platform, secret: str, inside: Platform) -> None:
    model = fresh("claude")
    understudy.order({"kind": "status", "code": 529, "retry_after": 30}, provider="anthropic", model=model)
    own = {"x-user-api-key": secret, "x-user-provider": "anthropic", "x-drey-fallback": "on"}
    answer = post("/v1/complete", headers=own, model=model, messages=HELLO)
    assert (answer.status_code, answer.headers["x-drey-provider"]) == (200, "bedrock")
    assert float(answer.headers["x-drey-cost-usd"]) > 0, "that one is the platform's"
    rows = [ledger.find("byok", answer.json()["id"], attempt=number) for number in (1, 2)]
    assert [(row["byok"], row["charged"] > 0) for row in rows] == [(True, False), (False, True)]


def test_a_later_candidate_is_the_first_of_ones_own(post: Post, understudy: Platform, secret: str) -> None:
    gpt, claude = fresh("gpt"), fresh("claude")
    answer = post("/v1/chat/completions", model=gpt, models=[claude], messages=HELLO)
    assert (answer.json()["model"], answer.headers["x-drey-fallback"]) == (claude, "false")
    off = {"x-user-api-key": secret, "x-user-provider": "anthropic", "x-drey-fallback": "off"}
    assert post("/v1/chat/completions", headers=off, model=gpt, models=[claude], messages=HELLO).status_code == 200
    assert seen(understudy, gpt) == []


WRONG: list[tuple[str, dict[str, str], list[str]]] = [
    ("nobody", {"x-user-provider": "nobody"}, ["anthropic", "openai"]),
    ("missing", {}, ["anthropic", "openai"]),
    ("no key there", {"x-user-provider": "bedrock"}, ["anthropic", "openai"]),
    ("not for this model", {"x-user-provider": "openai"}, ["anthropic"]),
    ("not a key", {"x-user-provider": "anthropic", "x-user-api-key": "k"}, ["anthropic", "openai"]),
]


@pytest.mark.parametrize(("case", "headers", "valid"), WRONG, ids=[case for case, _, _ in WRONG])
def test_a_key_that_cannot_be_used_is_refused_with_what_can(
    post: Post, secret: str, case: str, headers: dict[str, str], valid: list[str]
) -> None:
    answer = post("/v1/complete", headers={"x-user-api-key": secret, **headers}, model="fast", messages=HELLO)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert set(valid) <= set(answer.json()["valid_providers"])
    assert "bedrock" not in answer.json()["valid_providers"]
    assert secret not in answer.text


def test_a_provider_without_a_key_and_our_own_key_as_a_providers_are_mistakes(post: Post, made: keys.NewKey) -> None:
    alone = post("/v1/complete", headers={"x-user-provider": "anthropic"}, model="fast", messages=HELLO)
    assert (alone.status_code, "X-User-API-Key" in alone.json()["error"]) == (400, True)
    ours = {"x-user-provider": "anthropic", "x-user-api-key": made.api_key}
    answer = post("/v1/complete", headers=ours, model="fast", messages=HELLO)
    assert (answer.status_code, "this platform" in answer.json()["error"]) == (400, True)


def test_vectors_are_paid_with_ones_own_key_too(post: Post, understudy: Platform, secret: str) -> None:
    own = {"x-user-api-key": secret, "x-user-provider": "openai"}
    answer = post("/v1/embed", headers=own, input="a nest")
    assert (answer.status_code, answer.json()["usage"]["estimatedCost"]) == (200, 0)
    assert understudy.sold()[-1]["key"] == secret


def test_tokens_are_counted_with_ones_own_key_too(post: Post, understudy: Platform, secret: str) -> None:
    understudy.order({"kind": "status", "code": 401}, key=secret, path="*/count_tokens")
    answer = post("/v1/messages/count_tokens", model="fast", messages=HELLO)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "provider_key_refused")


# ------------------------------------------------------------------------------------------- nobody else's trouble


@pytest.mark.parametrize("code", [401, 429, 500])
def test_one_callers_trouble_with_a_key_is_nobody_elses(
    post: Post, understudy: Platform, secret: str, inside: Platform, code: int
) -> None:
    """Given a key that keeps failing, then neither does the breaker open nor is anybody alerted."""
    model = fresh("claude")
    understudy.order({"kind": "status", "code": code, "retry_after": 30}, key=secret)
    own = {"x-user-api-key": secret, "x-user-provider": "anthropic", "x-drey-fallback": "on"}
    for headers in (None, None, None, None, own):
        post("/v1/complete", headers=headers, model=model, messages=HELLO)
    answer = post("/v1/complete", headers={}, model=model, messages=HELLO)
    assert (answer.status_code, answer.headers["x-drey-provider"]) == (200, "anthropic")
    health = clients.dynamodb().scan(TableName=inside.environment["HEALTH_TABLE_NAME"])["Items"]
    assert [item for item in health if model in item["name"]["S"]] == []


def test_what_ones_own_key_paid_for_is_given_again_only_to_it(post: Post, understudy: Platform, secret: str) -> None:
    asked: dict[str, Any] = {"model": fresh("alone"), "messages": HELLO, "temperature": 0}
    another = {"x-user-api-key": f"{secret}-2", "x-user-provider": "anthropic"}
    told = [
        post("/v1/complete", headers=headers, **asked).headers["x-drey-cache"] for headers in (None, {}, another, None)
    ]
    assert told == ["MISS", "MISS", "MISS", "HIT"]


# ------------------------------------------------------------------------------------------- kept


def keep(made: keys.NewKey, secret: str) -> None:
    """As the keys door does it."""
    byok.store(made.key_id, "anthropic", secret)
    name = os.environ["KEYS_TABLE_NAME"]
    item = table.get(name, {"keyId": made.key_id})
    assert item is not None
    clients.dynamodb().update_item(
        TableName=name,
        Key={"keyId": {"S": made.key_id}},
        UpdateExpression="SET providers = :names",
        ExpressionAttributeValues={":names": {"L": [{"S": "anthropic"}]}},
    )


def test_a_kept_key_pays_for_its_providers_models_and_for_no_others(
    post: Post, understudy: Platform, made: keys.NewKey, secret: str
) -> None:
    keep(made, secret)
    claude, gpt = fresh("claude"), fresh("gpt")
    one = post("/v1/complete", headers={}, model=claude, messages=HELLO)
    two = post("/v1/complete", headers={}, model=gpt, messages=HELLO)
    assert seen(understudy, claude) == [("anthropic", secret)]
    assert (one.headers["x-drey-cost-usd"], float(two.headers["x-drey-cost-usd"]) > 0) == ("0", True)
    understudy.order({"kind": "status", "code": 529, "retry_after": 30}, key=secret)
    assert post("/v1/complete", headers={}, model=claude, messages=HELLO).status_code == 503


def test_a_key_that_is_sent_goes_before_one_that_is_kept(
    post: Post, understudy: Platform, made: keys.NewKey, secret: str
) -> None:
    keep(made, f"{secret}-kept")
    model = fresh("claude")
    post("/v1/complete", model=model, messages=HELLO)
    assert seen(understudy, model) == [("anthropic", secret)]


# ------------------------------------------------------------------------------------------- never seen


@pytest.mark.parametrize("code", [None, 401, 400, 500])
@pytest.mark.parametrize("stage", ["prod", "local"])
def test_the_key_comes_out_nowhere_but_at_the_provider(
    understudy: Platform, inside: Platform, made: keys.NewKey, tmp_path: Path, code: int | None, stage: str
) -> None:
    model = fresh("alone")
    if code:
        understudy.order({"kind": "status", "code": code, "message": f"Your key {CANARY} ..."}, model=model)
    event = json.loads((ROOT / "events/gateway/chat-hello.json").read_text())
    event["headers"] = {"x-api-key": made.api_key, "X-User-API-Key": CANARY, "X-User-Provider": "anthropic"}
    event["headers"]["Idempotency-Key"] = str(uuid4())
    event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
    event["body"] = json.dumps({"model": model, "messages": HELLO, "temperature": 0})
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event))
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("one_invocation.py")), "gateway.chat", str(file)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ
        | {"STAGE": stage, "PYTHONPATH": "layers/llm_core:functions:.", "POWERTOOLS_LOG_LEVEL": "DEBUG"}
        | {"ANTHROPIC_API_KEY_REF": "ssm:/not/there"},
        timeout=60,
    )
    assert '"event":"llm_call"' in done.stdout.replace(" ", "")
    assert CANARY not in done.stdout + done.stderr
    written = [
        item for name, value in inside.environment.items() if name.endswith("_TABLE_NAME") for item in _all(value)
    ]
    assert CANARY not in json.dumps(written, default=str)
    assert {sale["key"] for sale in understudy.sold() if sale["model"] == model} == {CANARY}


def _all(name: str) -> list[dict[str, Any]]:
    return clients.dynamodb().scan(TableName=name)["Items"]
