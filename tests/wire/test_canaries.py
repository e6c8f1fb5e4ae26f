"""Secrets and, in prod, words put in at every end are looked for at every other: logs, tables, error bodies."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llm_core import keys
from llm_core.aws import clients
from tests.conftest import ROOT, Platform, fresh

PROMPT, COMPLETION, PROVIDER = "canary-prompt-7f3a91", "canary-completion-c0ffee", "sk-ant-canary-provider-key-5d21"

FAULTS: list[dict[str, Any] | None] = [
    None,
    {"kind": "status", "code": 400, "message": f"messages.0: {PROMPT} is not allowed, says {PROVIDER}"},
    {"kind": "status", "code": 401, "message": f"invalid x-api-key {PROVIDER}"},
    {"kind": "status", "code": 500, "message": f"panic: {PROMPT} {PROVIDER}"},
    {"kind": "html_page"},
    {"kind": "wrong_shape"},
]


@pytest.fixture
def prod(inside: Platform) -> dict[str, str]:
    """The doors' environment, but in prod and with a provider key we can look for."""
    clients.ssm().put_parameter(Name="/canary/key", Value=PROVIDER, Type="SecureString", Overwrite=True)
    return os.environ | {
        "STAGE": "prod",
        "PYTHONPATH": "layers/llm_core:functions:.",
        "ANTHROPIC_API_KEY_REF": "ssm:/canary/key",
        "POWERTOOLS_LOG_LEVEL": "DEBUG",
    }


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_no_canary_comes_out(
    understudy: Platform, prod: dict[str, str], fault: dict[str, Any] | None, tmp_path: Path
) -> None:
    if fault:
        understudy.order(fault)
    else:
        understudy.perform({"text": COMPLETION})
    key = keys.create("canary", user_id="canary", terms=keys.Terms({"ai:complete"})).api_key
    event = json.loads((ROOT / "events/gateway/chat-hello.json").read_text())
    event["headers"] = {"Authorization": f"Bearer {key}", "x-note": PROMPT}
    event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
    event["body"] = json.dumps({"model": fresh("alone"), "messages": [{"role": "user", "content": PROMPT}]})
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event))

    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("one_invocation.py")), "gateway.chat", str(file)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=prod,
        timeout=60,
    )

    logs, _, answer = done.stdout.rpartition("ANSWER ")
    logs += done.stderr
    assert '"event":"llm_call"' in logs.replace(" ", "")
    secret = key[20:]
    for canary in (PROMPT, COMPLETION, PROVIDER, secret):
        assert canary not in logs
        assert canary not in json.dumps(_rows(understudy))
    for canary in (PROVIDER, secret, *((PROMPT,) if fault else ())):
        assert canary not in answer
    if not fault:
        assert COMPLETION in answer, "the caller itself does get the answer"


def test_outside_prod_the_log_shows_prompt_and_answer_but_no_key(understudy: Platform) -> None:
    understudy.perform({"text": COMPLETION})
    body = {"model": fresh("alone"), "messages": [{"role": "user", "content": f"{PROMPT} {understudy.key}"}]}
    headers = {"authorization": f"Bearer {understudy.key}"}
    understudy.http.post(f"{understudy.url}/v1/chat/completions", json=body, headers=headers).raise_for_status()

    logs = understudy.logs.read_text()
    assert PROMPT in logs
    assert COMPLETION in logs
    assert understudy.key not in logs


def _rows(platform: Platform) -> list[dict[str, Any]]:
    tables = (platform.environment["USAGE_TABLE_NAME"], platform.environment["KEYS_TABLE_NAME"])
    return [item for name in tables for item in clients.dynamodb().scan(TableName=name)["Items"]]
