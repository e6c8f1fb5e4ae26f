"""Subsegments for X-Ray: each piece of work tells facts and never words, and knows what it belongs to."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from llm_core import keys
from llm_core.aws import clients, functions, machine, tracing
from llm_core.aws.dynamodb import direct, direct_once
from llm_core.aws.http import Door, Response
from llm_core.aws.tracing import Place, Span
from llm_core.errors import NotFound, StoreUnavailable
from tests.conftest import ROOT, Platform, fresh
from tests.llm_core.aws.test_http import Context, event

KEY = "sk-ant-api03-telemetry-canary-0123456789"
WORDS = "canary-words-of-a-prompt"
TRACE = "1-6920273c-0123456789abcdef01234567"
HEADER = f"Root={TRACE};Parent=0123456789abcdef;Sampled=1"


class Daemon:
    """An X-Ray daemon on loopback that keeps what it is sent."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)

    @property
    def environment(self) -> dict[str, str]:
        """What Lambda tells a function whose tracing is on."""
        return {
            "_X_AMZN_TRACE_ID": HEADER,
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{self._socket.getsockname()[1]}",
        }

    def received(self) -> list[dict[str, Any]]:
        """The subsegments that came, in their order: what has ended has sent all of its own."""
        found: list[dict[str, Any]] = []
        while True:
            try:
                header, _, body = self._socket.recv(65_536).partition(b"\n")
            except BlockingIOError:
                return found
            assert json.loads(header) == {"format": "json", "version": 1}
            found.append(json.loads(body))

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    daemon = Daemon()
    yield daemon
    daemon.close()


def traced(command: list[str], daemon: Daemon, **more: str) -> str:
    """What a process printed in which tracing is on: as on Lambda, from its first import."""
    clean = os.environ | {"PYTHONPATH": "layers/llm_core:functions:.", **daemon.environment, **more}
    done = subprocess.run(
        [sys.executable, *command], check=True, capture_output=True, text=True, cwd=ROOT, env=clean, timeout=60
    )
    return done.stdout


def attempts_of(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [span for span in spans if "provider" in span["annotations"]]


def attempts(daemon: Daemon) -> list[dict[str, Any]]:
    return attempts_of(daemon.received())


def invoked(daemon: Daemon, model: str, tmp_path: Path) -> dict[str, Any]:
    """The answer of the chat door to a prompt with words and a key in it."""
    key = keys.create("traced", user_id="traced", terms=keys.Terms({"ai:complete"})).api_key
    event = json.loads((ROOT / "events/gateway/chat-hello.json").read_text())
    event["headers"] = {"Authorization": f"Bearer {key}"}
    event["multiValueHeaders"] = {"Authorization": [f"Bearer {key}"]}
    event["body"] = json.dumps({"model": model, "messages": [{"role": "user", "content": f"{WORDS} {KEY}"}]})
    file = tmp_path / "event.json"
    file.write_text(json.dumps(event))
    printed = traced([str(ROOT / "tests/wire/one_invocation.py"), "gateway.chat", str(file)], daemon)
    answer: dict[str, Any] = json.loads(printed.rpartition("ANSWER ")[2])
    return answer


def test_an_attempt_is_a_subsegment_with_its_facts(
    daemon: Daemon, understudy: Platform, inside: Platform, tmp_path: Path
) -> None:
    model = fresh("alone")
    answer = invoked(daemon, model, tmp_path)
    assert answer["statusCode"] == 200
    (span,) = attempts(daemon)
    assert (span["name"], span["type"], span["trace_id"]) == ("anthropic", "subsegment", TRACE)
    cost = span["annotations"].pop("cost_nano_usd")
    usage = inside.sold()[-1]["usage"]
    assert cost == usage["input"] * 1_000 + usage["output"] * 5_000
    facts = {"stage": "local", "provider": "anthropic", "model": model, "outcome": "ok", "cached": False}
    assert span["annotations"] == facts | {"fallback": False}


def test_a_provider_that_fails_with_a_prompt_and_a_key_in_its_words_leaves_neither_in_the_trace(
    daemon: Daemon, understudy: Platform, inside: Platform, tmp_path: Path
) -> None:
    """Given Anthropic that repeats them, then Bedrock that answers: two attempts, two subsegments, facts only."""
    model = fresh("claude")
    fault = {"kind": "status", "code": 529, "message": f"no room for {WORDS}, says {KEY}", "retry_after": 30}
    understudy.order(fault, provider="anthropic", model=model)

    answer = invoked(daemon, model, tmp_path)

    assert answer["statusCode"] == 200
    spans = daemon.received()
    facts = [
        (s["name"], s["annotations"]["outcome"], s["annotations"]["cost_nano_usd"] > 0) for s in attempts_of(spans)
    ]
    assert facts == [("anthropic", "provider_overloaded", False), ("bedrock", "ok", True)]
    assert WORDS not in json.dumps(spans)
    assert KEY not in json.dumps(spans)


def test_an_attempt_whose_end_nobody_saw_costs_in_the_trace_what_it_costs_in_the_books(
    daemon: Daemon, understudy: Platform, inside: Platform, tmp_path: Path
) -> None:
    model = fresh("alone")
    understudy.order({"kind": "malformed_chunk"}, model=model)
    assert invoked(daemon, model, tmp_path)["statusCode"] >= 500
    assert all(span["annotations"]["cost_nano_usd"] > 0 for span in attempts(daemon))


def test_what_breaks_inside_a_span_leaves_no_words_in_the_trace(daemon: Daemon) -> None:
    """A defect of ours, or of an SDK, may quote a prompt just as a provider does."""
    script = f"""
from llm_core.aws import tracing
try:
    with tracing.span("anthropic") as span:
        span.annotate(provider="anthropic")
        raise RuntimeError("{WORDS} {KEY}")
except RuntimeError:
    pass
"""
    traced(["-c", script], daemon, STAGE="prod")
    (span,) = daemon.received()
    assert span["fault"] is True
    assert WORDS not in json.dumps(span)
    assert KEY not in json.dumps(span)


@pytest.fixture
def here(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    """This process as Lambda's, in a traced invocation."""
    for name, value in daemon.environment.items():
        monkeypatch.setenv(name, value)
    return daemon


@pytest.mark.parametrize(
    "header", [None, "", "Root=1-a", "Root=1-a;Parent=b;Sampled=0", "Root=1-a;Parent=b", "nonsense"]
)
def test_where_nobody_is_traced_nothing_is_sent(
    header: str | None, here: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("_X_AMZN_TRACE_ID")
    if header is not None:
        monkeypatch.setenv("_X_AMZN_TRACE_ID", header)
    with tracing.span("a") as span:
        span.annotate(provider="a")
    assert here.received() == []


def test_a_caller_does_not_decide_what_is_traced(here: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given an invocation that is not sampled, when its caller says that it is, in both manners, nothing is sent."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER.replace("Sampled=1", "Sampled=0"))
    door = Door()

    @door.get("/v1/echo")
    def echo() -> Response:
        with tracing.span("work"):
            return Response(200, b"{}")

    asked = event(traceparent=f"00-{'a' * 32}-{'b' * 16}-01", **{"X-Amzn-Trace-Id": HEADER})
    assert door(asked, Context())["statusCode"] == 200
    assert here.received() == []


def test_a_place_is_handed_on_as_it_came_but_for_its_parent() -> None:
    """Lambda counts in the header how often functions have called each other, and stops a loop by it."""
    place = Place.of("Root=1-a; Parent=b;Sampled=1;Lineage=2:abc:0")
    assert place is not None
    assert place.header == "Root=1-a;Parent=b;Sampled=1;Lineage=2:abc:0"


def test_what_is_done_inside_is_below_and_what_follows_is_beside(here: Daemon) -> None:
    with tracing.span("outer"):
        with tracing.span("inner"):
            pass
        with tracing.span("beside"):
            pass
    inner, beside, outer = here.received()
    assert inner["parent_id"] == beside["parent_id"] == outer["id"]
    assert outer["parent_id"] == "0123456789abcdef"
    assert outer["start_time"] <= inner["start_time"] <= inner["end_time"] <= beside["start_time"] <= outer["end_time"]


def test_a_thread_that_was_given_its_context_goes_on_where_it_was_begun(here: Daemon) -> None:
    with tracing.span("outer"):
        thread = threading.Thread(target=copy_context().run, args=(lambda: Span("elsewhere").end(),))
        thread.start()
        thread.join()
    elsewhere, outer = here.received()
    assert elsewhere["parent_id"] == outer["id"]


def test_requests_of_one_process_do_not_see_each_others_traces(here: Daemon) -> None:
    both = threading.Barrier(2)

    def serve(root: str) -> None:
        with tracing.within(f"Root={root};Parent=p{root};Sampled=1"), tracing.span(root):
            both.wait(10)

    threads = [threading.Thread(target=serve, args=(root,)) for root in ("1-a", "1-b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(span["name"], span["trace_id"], span["parent_id"]) for span in here.received()} == {
        ("1-a", "1-a", "p1-a"),
        ("1-b", "1-b", "p1-b"),
    }


def test_a_refusal_of_ours_is_an_error_and_no_fault(here: Daemon) -> None:
    with pytest.raises(NotFound), tracing.span("look"):
        raise NotFound(WORDS)
    (span,) = here.received()
    assert (span.get("fault"), span["error"]) == (None, True)
    assert WORDS not in json.dumps(span)


def test_a_span_ends_once_wherever_it_is_ended(here: Daemon) -> None:
    span = Span("attempt")
    with pytest.raises(RuntimeError), span.open():
        raise RuntimeError
    span.end()
    assert [(each["name"], each["fault"]) for each in here.received()] == [("attempt", True)]


def test_a_call_that_goes_around_boto3_is_a_hop_all_the_same(
    inside: Platform, here: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answered, refused and lost on its way."""
    clients._clients.clear()
    key, name = {"keyId": {"S": "nobody"}}, inside.environment["KEYS_TABLE_NAME"]
    direct().get_item(TableName=name, Key=key)
    with pytest.raises(ClientError):
        direct().get_item(TableName="none", Key=key)
    clients._clients.clear()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(EndpointConnectionError):
        direct_once().get_item(TableName=name, Key=key)
    clients._clients.clear()
    told = [(span["name"], span.get("error", False), span.get("fault", False)) for span in here.received()]
    assert told == [("DynamoDB", False, False), ("DynamoDB", True, False), ("DynamoDB", False, True)]


def test_each_call_to_aws_is_a_hop_and_tells_where_it_was_made(inside: Platform, here: Daemon) -> None:
    """Given a refused call and an answered one, then both say what was asked, and only the refused one is an error."""
    clients._clients.clear()
    name = inside.environment["KEYS_TABLE_NAME"]
    with pytest.raises(ClientError):
        clients.dynamodb().get_item(TableName="none", Key={"keyId": {"S": WORDS}})
    clients.dynamodb().get_item(TableName=name, Key={"keyId": {"S": WORDS}})
    refused, answered = here.received()
    assert (answered["name"], answered["namespace"], answered["aws"]) == ("DynamoDB", "aws", {"operation": "GetItem"})
    assert (refused["error"], answered["error"]) == (True, False)
    assert WORDS not in json.dumps([refused, answered])


def test_what_is_begun_elsewhere_learns_the_trace(here: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """By Lambda's header, by Step Functions' own field: as AWS wants it."""
    sent: list[tuple[str, Any, Any]] = []

    def keep(model: Any, params: Any, **_: Any) -> None:
        sent.append((model.name, json.loads(params["body"]), params["headers"]))

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(clients, "_clients", {})
    for client in (clients.functions(), clients.states()):
        client.meta.events.register_last("before-call", keep)
    with pytest.raises(StoreUnavailable):
        functions.begin("f", {})
    with pytest.raises(StoreUnavailable):
        machine.start("arn", "run-1", {})
    (_, _, headers), (_, execution, _) = sent
    spans = {span["name"]: span for span in here.received()}
    assert headers["X-Amzn-Trace-Id"] == f"Root={TRACE};Parent={spans['Lambda']['id']};Sampled=1"
    assert execution["traceHeader"] == f"Root={TRACE};Parent={spans['state machine']['id']};Sampled=1"
    assert spans["state machine"]["annotations"]["execution"] == "run-1"
    assert spans["Lambda"]["fault"] is True


def test_a_subsegment_costs_less_than_a_tenth_of_a_millisecond(here: Daemon) -> None:
    """Measured as processor time, with the daemon's socket full: nobody waits for it."""
    began = time.process_time()
    for _ in range(1_000):
        with tracing.span("hold") as span:
            span.annotate(outcome="ok", cost_nano_usd=1)
    assert (time.process_time() - began) / 1_000 < 100e-6
