"""`Idempotency-Key`: one request twice, at once, from two processes, after a death; and one key for two requests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import anthropic
import httpx2
import openai
import pytest

from tests.conftest import ROOT, Platform, fresh

Post = Callable[..., httpx2.Response]
HELLO = [{"role": "user", "content": "What is a squirrel's nest called?"}]
REPLAY = "x-drey-idempotent-replay"


@pytest.fixture
def order() -> str:
    """An Idempotency-Key that nobody has used."""
    return f"order-{uuid4()}"


@pytest.fixture
def post(understudy: Platform, order: str) -> Post:
    def send(path: str, *, named: str = order, **body: Any) -> httpx2.Response:
        headers = {b"authorization": f"Bearer {understudy.key}".encode(), b"idempotency-key": named.encode()}
        return understudy.http.post(f"{understudy.url}{path}", json=body, headers=headers)

    return send


def bought(platform: Platform, model: str) -> int:
    """How often the understudy was asked for this model."""
    return len([each for each in platform.asked(10_000) if model in (each["model"] or "")])


# ------------------------------------------------------------------------------------------- both SDKs


def test_openais_client_gets_the_stored_completion(understudy: Platform, order: str) -> None:
    client = openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=understudy.key)
    asked: dict[str, Any] = {"model": fresh("alone"), "messages": HELLO, "extra_headers": {"Idempotency-Key": order}}
    first, second = (client.chat.completions.with_raw_response.create(**asked) for _ in range(2))
    assert (first.headers.get(REPLAY), second.headers.get(REPLAY)) == (None, "true")
    assert first.parse() == second.parse()
    assert first.headers["x-drey-cost-usd"] == second.headers["x-drey-cost-usd"], "what it did cost, once"
    assert bought(understudy, asked["model"]) == 1


def test_anthropics_client_gets_the_stored_message(understudy: Platform, order: str) -> None:
    client = anthropic.Anthropic(base_url=understudy.url, api_key=understudy.key)
    asked: dict[str, Any] = {"model": fresh("alone"), "messages": HELLO, "max_tokens": 100}
    asked["extra_headers"] = {"Idempotency-Key": order}
    first, second = (client.messages.with_raw_response.create(**asked) for _ in range(2))
    assert (first.headers.get(REPLAY), second.headers.get(REPLAY)) == (None, "true")
    assert first.parse() == second.parse()
    assert bought(understudy, asked["model"]) == 1


class Counting(httpx2.HTTPTransport):
    """How often a client really asks."""

    asked = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        return super().handle_request(request)


def test_another_body_is_refused_in_both_dialects_and_neither_client_tries_again(
    understudy: Platform, order: str
) -> None:
    transport = Counting()
    http = httpx2.Client(transport=transport)
    named = {"Idempotency-Key": order}
    gpt = openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=understudy.key, http_client=http)
    gpt.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": "one"}], extra_headers=named)
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        gpt.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": "two"}], extra_headers=named)
    assert (refused.value.code, refused.value.type) == ("idempotency_mismatch", "invalid_request_error")
    claude = anthropic.Anthropic(base_url=understudy.url, api_key=understudy.key, http_client=http)
    with pytest.raises(anthropic.UnprocessableEntityError) as told:
        claude.messages.create(
            model="fast", max_tokens=9, messages=[{"role": "user", "content": "one"}], extra_headers=named
        )
    assert isinstance(told.value.body, dict)
    assert told.value.body["error"]["code"] == "idempotency_mismatch"
    assert transport.asked == 3


# ------------------------------------------------------------------------------------------- every route


ROUTES: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", {"model": "gpt-4.1", "messages": HELLO}),
    ("/v1/messages", {"model": "fast", "messages": HELLO, "max_tokens": 50}),
    ("/v1/complete", {"messages": HELLO}),
    ("/v1/classify", {"input": "a nest", "labels": ["home", "food"]}),
    ("/v1/embeddings", {"model": "embed", "input": "a nest"}),
    ("/v1/embed", {"input": "a nest"}),
]


@pytest.mark.parametrize(("path", "body"), ROUTES, ids=[path for path, _ in ROUTES])
def test_every_route_that_costs_gives_its_answer_again(
    post: Post, understudy: Platform, path: str, body: dict[str, Any]
) -> None:
    if path == "/v1/classify":
        understudy.perform({"text": '{"label": "home", "confidence": 1}'})
    before = len(understudy.sold())
    first, second = post(path, **body), post(path, **body)
    assert (first.status_code, second.status_code, second.headers.get(REPLAY)) == (200, 200, "true")
    assert first.content == second.content
    assert len(understudy.sold()) == before + 1


@pytest.mark.parametrize("named", ["", "x" * 256, "größe"])
def test_a_key_that_is_none_is_refused(post: Post, named: str) -> None:
    answer = post("/v1/complete", named=named, messages=HELLO)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["error"]


# ------------------------------------------------------------------------------------------- streams


def test_a_stream_is_carried_out_once_and_comes_again_whole(understudy: Platform, order: str) -> None:
    client = openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=understudy.key, max_retries=0)
    asked: dict[str, Any] = {"model": fresh("alone"), "messages": HELLO, "stream": True}
    asked["stream_options"] = {"include_usage": True}
    asked["extra_headers"] = {"Idempotency-Key": order}
    told, replayed = [], []
    for _ in range(2):
        answer = client.chat.completions.with_raw_response.create(**asked)
        told.append([chunk.model_dump() for chunk in answer.parse()])
        replayed.append(answer.headers.get(REPLAY))
    assert told[0] == told[1]
    assert told[0][-1]["usage"]["cost"] > 0
    assert replayed == [None, "true"]
    assert bought(understudy, asked["model"]) == 1


def test_while_a_stream_is_told_its_repetition_has_to_wait_and_after_it_was_left_is_told_so(
    understudy: Platform, order: str
) -> None:
    model = fresh("alone")
    understudy.order({"kind": "stall"}, model=model)
    headers = {"x-api-key": understudy.key, "idempotency-key": order}
    asked: dict[str, Any] = {
        "url": f"{understudy.url}/v1/messages",
        "headers": headers,
        "json": {"model": model, "messages": HELLO, "max_tokens": 50, "stream": True},
    }
    with understudy.http.stream("POST", **asked) as first:
        next(first.iter_lines())
        waiting = understudy.http.post(**asked)
    assert (waiting.status_code, waiting.json()["error"]["code"]) == (429, "idempotency_in_progress")
    until = time.monotonic() + 30
    while (left := understudy.http.post(**asked)).status_code == 429 and time.monotonic() < until:
        time.sleep(0.05)  # the door is told that its caller has gone, and settles
    assert (left.status_code, left.json()["error"]["code"]) == (422, "idempotency_mismatch")
    assert "new Idempotency-Key" in left.json()["error"]["message"]
    assert bought(understudy, model) == 1


def test_a_stream_that_broke_off_is_given_again_as_it_was_paid(post: Post, understudy: Platform) -> None:
    model = fresh("alone")
    understudy.order({"kind": "cut"}, model=model)
    first = post("/v1/stream", model=model, messages=HELLO)
    understudy.free()
    second = post("/v1/stream", model=model, messages=HELLO)
    assert b'"error"' in first.content
    assert (second.content, second.headers.get(REPLAY)) == (first.content, "true")
    assert bought(understudy, model) == 1


# ------------------------------------------------------------------------------------------- errors


def test_an_error_that_cost_nothing_is_forgotten(post: Post, understudy: Platform) -> None:
    model = fresh("alone")
    understudy.order({"kind": "status", "code": 529, "retry_after": 30}, model=model)
    assert post("/v1/complete", model=model, messages=HELLO).status_code == 503
    understudy.free()
    answer = post("/v1/complete", model=model, messages=HELLO)
    assert (answer.status_code, answer.headers.get(REPLAY)) == (200, None)


def test_an_error_that_was_charged_is_kept_and_not_worth_another_try(post: Post, understudy: Platform) -> None:
    """Given a broken connection, which may be billed, then nobody pays for a second one by repeating himself."""
    model = fresh("alone")
    understudy.order({"kind": "reset"}, model=model)
    first = post("/v1/complete", model=model, messages=HELLO)
    tried = bought(understudy, model)
    understudy.free()
    second = post("/v1/complete", model=model, messages=HELLO)
    assert first.status_code == second.status_code == 502
    assert float(first.json()["cost"]) > 0
    assert second.content == first.content
    assert (first.headers["x-should-retry"], second.headers["x-should-retry"]) == ("false", "false")
    assert second.headers[REPLAY] == "true"
    assert bought(understudy, model) == tried


# ------------------------------------------------------------------------------------------- at once


def test_of_many_at_once_one_is_carried_out_and_the_others_come_again(post: Post, understudy: Platform) -> None:
    model = fresh("alone")
    understudy.order({"kind": "slow_headers", "seconds": 1}, model=model)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: post("/v1/complete", model=model, messages=HELLO), range(12)))
    codes = [answer.status_code for answer in answers]
    assert (codes.count(200), codes.count(429)) == (1, 11)
    waiting = next(answer for answer in answers if answer.status_code == 429)
    assert (waiting.headers["retry-after"], waiting.json()["code"]) == ("5", "idempotency_in_progress")
    assert post("/v1/complete", model=model, messages=HELLO).headers[REPLAY] == "true"
    assert bought(understudy, model) == 1


class Doors:
    """Doors in processes of their own, as Lambda's environments are, all sent the same request."""

    def __init__(self, platform: Platform, folder: Path, order: str, model: str) -> None:
        event = json.loads((ROOT / "events/gateway/chat-complete.json").read_text())
        event["headers"] = {"x-api-key": platform.key, "idempotency-key": order}
        event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
        event["body"] = self.body = json.dumps({"model": model, "messages": HELLO})
        self.event = folder / "event.json"
        self.event.write_text(json.dumps(event))

    def open(self, left_ms: int = 20_000) -> subprocess.Popen[str]:
        script = str(Path(__file__).with_name("one_invocation.py"))
        return subprocess.Popen(
            [sys.executable, script, "gateway.chat", str(self.event), str(left_ms)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": "layers/llm_core:functions:."},
        )

    @staticmethod
    def answer(process: subprocess.Popen[str]) -> dict[str, Any]:
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        told: dict[str, Any] = json.loads(output.rpartition("ANSWER ")[2])
        return told


def test_two_processes_that_race_make_one_call(
    understudy: Platform, inside: Platform, order: str, tmp_path: Path
) -> None:
    model = fresh("alone")
    understudy.order({"kind": "slow_headers", "seconds": 4}, model=model)
    doors = Doors(understudy, tmp_path, order, model)
    racing = [doors.open() for _ in range(3)]
    answers = [doors.answer(process) for process in racing]
    assert sorted(answer["statusCode"] for answer in answers) == [200, 429, 429]
    assert bought(understudy, model) == 1


def test_after_a_death_the_key_is_usable_again_when_lambda_would_have_ended_it(
    understudy: Platform, inside: Platform, order: str, tmp_path: Path
) -> None:
    """Given a door that is killed (-9) while it waits for its provider, then its key waits for its time to be over."""
    model = fresh("alone")
    understudy.order({"kind": "silence"}, model=model, times=1)
    doors = Doors(understudy, tmp_path, order, model)
    begun = time.monotonic()
    dying = doors.open(left_ms=9_000)
    while bought(understudy, model) == 0:
        assert dying.poll() is None
        assert time.monotonic() - begun < 30
        time.sleep(0.05)
    dying.kill()
    dying.communicate()
    over = time.monotonic() + 9.1

    def again() -> int:
        headers = {"x-api-key": understudy.key, "idempotency-key": order}
        url = f"{understudy.url}/v1/complete"
        return understudy.http.post(url, content=doors.body, headers=headers).status_code

    assert again() == 429
    time.sleep(over - time.monotonic())
    assert again() == 200
    assert bought(understudy, model) == 2
