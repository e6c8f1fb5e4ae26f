"""What Lambda would run, run by the SAM CLI in Lambda's container: every sample event is answered as its name says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx2
import pytest
from botocore.config import Config

from tests.conftest import ROOT, Platform
from tests.samlocal.conftest import Sam
from tests.test_events import ANSWERS, CLOSED, DEPENDS, EVENTS, OF_THE_API, PAID, PAYER, PLACEHOLDER_KEY, name_of

KEYS: Any = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
MESSAGES = [{"role": "user", "content": "Hello"}]


def real(event: Path, platform: Platform) -> str:
    """The event with a key that opens."""
    text = event.read_text().replace(PLACEHOLDER_KEY, platform.key).replace(PAYER, f'"keyId": "{platform.key[:20]}')
    return text.replace("0" * 26, platform.outputs["UserPoolClientId"])


@pytest.fixture(scope="module")
def lambdas(sam: Sam) -> Iterator[Any]:
    """boto3's client of `sam local start-lambda`."""
    with sam.serving("start-lambda") as address:
        config = Config(read_timeout=120, retries={"total_max_attempts": 1})
        yield boto3.client("lambda", endpoint_url=address, region_name="us-east-1", config=config, **KEYS)


@pytest.fixture(scope="module")
def api(sam: Sam) -> Iterator[str]:
    with sam.serving("start-api") as address:
        yield address


KINDS = {
    *("models-health", "chat-hello", "chat-stream", "chat-bad_json", "get_saying-first"),  # of the API, in either loop
    *("turn-first", "roll_up-row", "connect-no_ticket", "summarize-drey", "sweep-minute"),
}
REACHED = [event for event in EVENTS if not event.stem.startswith("alert-")]
"""Alerts go to webhooks on this machine's loopback, which is not a container's."""
CHOSEN = REACHED if os.environ.get("DREY_EVENTS") == "all" else [event for event in EVENTS if event.stem in KINDS]
TWO = [("GatewayModels", "gateway/models-health"), ("GatewayChat", "gateway/chat-hello")]


@pytest.mark.parametrize(("door", "case"), TWO)
def test_sam_local_invoke_answers_a_sample_event(
    sam: Sam, platform: Platform, door: str, case: str, tmp_path: Path
) -> None:
    """One door in the managed loop and one in ours: it answers whole here, as where nothing can be streamed."""
    event = tmp_path / "event.json"
    event.write_text(real(ROOT / f"events/{case}.json", platform))
    answer = sam.invoke(door, event)
    assert answer.get("statusCode") == 200, answer
    body = json.loads(answer["body"])
    assert body["status"] == "ok" if door == "GatewayModels" else body["usage"]["cost"] > 0


@pytest.mark.parametrize("event", CHOSEN, ids=lambda event: event.stem)
def test_start_lambda_answers_a_sample_event_as_its_name_says(event: Path, lambdas: Any, platform: Platform) -> None:
    told = lambdas.invoke(FunctionName=name_of(event), Payload=real(event, platform))
    answer = json.loads(told["Payload"].read() or b"null")
    assert "FunctionError" not in told, answer
    if event.stem in DEPENDS | PAID:
        assert answer is None or "errorMessage" not in answer
        return
    wanted = 401 if event.stem in CLOSED else ANSWERS[event.stem]
    assert (answer["statusCode"] if event in OF_THE_API or event.stem in CLOSED else answer) == wanted, answer


def test_start_api_serves_an_answer_and_a_stream(api: str, platform: Platform) -> None:
    """The routes of the template, by HTTP; a stream comes as a whole with the same events."""
    headers = {"authorization": f"Bearer {platform.key}"}
    body = {"model": "claude-haiku-4-5", "messages": MESSAGES}
    whole = httpx2.post(f"{api}/v1/chat/completions", json=body, headers=headers, timeout=120)
    assert (whole.status_code, whole.json()["object"]) == (200, "chat.completion"), whole.text
    streamed = httpx2.post(f"{api}/v1/chat/completions", json={**body, "stream": True}, headers=headers, timeout=120)
    assert streamed.text.endswith("data: [DONE]\n\n"), streamed.text
    refused = httpx2.get(f"{api}/v1/key", headers={"authorization": "Bearer none"}, timeout=120)
    assert refused.status_code == 401
