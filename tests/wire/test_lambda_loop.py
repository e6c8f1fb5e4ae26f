"""The real chat door under the platform's own loop, as Lambda runs it: words leave while the model still speaks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Platform, fresh
from tests.llm_core.aws.looping import Loop, looping


@pytest.fixture
def chat(inside: Platform, understudy: Platform, tmp_path: Path) -> Iterator[Loop]:
    paths = os.pathsep.join(str(ROOT / part) for part in ("layers/llm_core", "functions"))
    given = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    with looping(tmp_path, "gateway.chat.handler", **{**given, **inside.environment, "PYTHONPATH": paths}) as started:
        yield started


def event(platform: Platform, case: str, **fields: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((ROOT / f"events/gateway/{case}.json").read_text())
    told["headers"]["Authorization"] = f"Bearer {platform.key}"
    told["multiValueHeaders"] = {name: [value] for name, value in told["headers"].items()}
    told["body"] = json.dumps(json.loads(told["body"]) | fields)
    return told


def test_words_are_out_while_the_model_is_silent_and_the_next_call_is_served(chat: Loop, understudy: Platform) -> None:
    """Given a model that stops after its first words for good, they are out before anybody has given it up."""
    model = fresh("alone")
    understudy.order({"kind": "stall", "after_events": 5}, model=model)
    leaving = chat.api.invoke(event(understudy, "chat-stream", model=model))
    prelude = leaving.next()
    assert prelude.said["statusCode"] == 200
    call_id = prelude.said["multiValueHeaders"]["x-drey-generation-id"][0]
    assert b"content" in leaving.next().said
    headers = {"authorization": f"Bearer {understudy.key}"}
    place = f"{understudy.url}/v1/generations/{call_id}"
    assert understudy.http.get(place, headers=headers).json()["status"] == "running", "nothing has ended yet"
    assert understudy.http.delete(place, headers=headers).status_code == 202, (
        "told to another process than the one that streams"
    )
    *_, last, end = leaving.all()
    assert b"cancelled" in last.said
    assert end.what == "end", "told in band; the invocation itself is sound"
    whole = chat.api.invoke(event(understudy, "chat-hello")).all()
    assert whole[0].said["statusCode"] == 200


def test_the_lines_of_a_streamed_call_have_its_requests_id(chat: Loop, understudy: Platform) -> None:
    chat.api.invoke(event(understudy, "chat-stream", model=fresh("gpt"))).all()
    lines = [json.loads(line) for line in chat.log.splitlines() if line.startswith("{")]
    (call,) = [line for line in lines if line.get("event") == "llm_call"]
    assert call["request_id"]
    assert call["gateway_request_id"]
    assert call["key_id"] == understudy.key[:20]
