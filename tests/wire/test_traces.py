"""Where the time of a request and of a run went: one trace each, with every hop in it, as X-Ray's daemon is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import pytest

from local import executions, traces
from local.project import Project
from local.traces import Trace
from tests.conftest import ROOT, Platform, fresh
from tests.functions.accounts.holder import Holder, someone
from tests.wire.agent_runs import Agents
from tests.wire.sockets import connected

MOST_UNEXPLAINED = 0.05
MODEL_S = 1.0
"""The model takes a time that is a model's, so that a busy machine's own share is what it would be in life."""
TRIES = 4
"""A busy machine stops anybody at any moment; what has no name takes its time in every trace."""


@pytest.fixture
def ada(inside: Platform, understudy: Platform) -> Holder:
    return someone(understudy, limits={"month": 10})


@pytest.fixture
def paced(understudy: Platform) -> Iterator[None]:
    with pace(understudy, first_token_s=MODEL_S, between_tokens_s=0.01):
        yield


@contextmanager
def pace(platform: Platform, **pace: float) -> Iterator[None]:
    address = f"{platform.understudy}/_understudy/pace"
    platform.http.post(address, json=pace).raise_for_status()
    try:
        yield
    finally:
        platform.http.delete(address).raise_for_status()


def trace(platform: Platform, whole: Callable[[Trace], bool], **annotations: str) -> Trace:
    """The one trace with these annotations, once it is whole."""
    file, until = Project(ROOT, platform.state).traces, time.monotonic() + 20
    while True:
        found = [each for each in traces.read(file) if each.has(annotations)]
        assert len(found) <= 1, "one request or run, one trace"
        if found and whole(found[0]):
            return found[0]
        assert time.monotonic() < until, [span.hop for each in found for span in each.spans]
        time.sleep(0.05)


def answered(trace: Trace) -> bool:
    """What began it has ended."""
    return all(span.parent is None or span.parent in {each.id for each in trace.spans} for span in trace.spans)


def hops(trace: Trace) -> set[str]:
    return {span.hop for span in trace.spans}


def test_a_streamed_completion_with_a_fallback_tells_where_its_time_went(ada: Holder, paced: None) -> None:
    """Given Anthropic that has no room, when Bedrock answers in its place, then each attempt, each pause, the hold, the
    booking and the alert are there, and less than a twentieth of the time is nobody's."""
    for _ in range(TRIES):
        model = fresh("claude")
        ada.platform.order({"kind": "status", "code": 529}, provider="anthropic", model=model)
        body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
        headers = {"authorization": f"Bearer {ada.api_key}", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
        told = ada.platform.http.post(f"{ada.platform.url}/v1/chat/completions", json=body, headers=headers)
        assert told.text.endswith("data: [DONE]\n\n")
        found = trace(ada.platform, answered, model=model)
        if found.unexplained < MOST_UNEXPLAINED * found.seconds:
            break

    calls = {"DynamoDB GetItem", "DynamoDB UpdateItem", "DynamoDB PutItem", "SNS Publish"}
    ours = {"identify", "hold", "anthropic", "pause", "bedrock", "book", "settle", "alert"}
    assert hops(found) >= {"front door", "GatewayChat", *ours, *calls}
    assert found.unexplained < MOST_UNEXPLAINED * found.seconds, list(found.walk())
    (last,) = [span for span in found.spans if span.name == "bedrock"]
    assert last.seconds > MODEL_S
    assert last.annotations["cost_nano_usd"] > 0
    assert "a" * 32 not in found.id.replace("-", "")


def test_attempts_are_found_by_what_is_known_of_them(ada: Holder) -> None:
    model = fresh("alone")
    body = {"model": model, "temperature": 0, "messages": [{"role": "user", "content": "Hello"}]}
    for _ in range(2):
        assert ada.ask("POST", "/v1/chat/completions", body).status_code == 200
    known = {"stage": "local", "model": model, "outcome": "ok"}
    bought = trace(ada.platform, answered, **known, provider="anthropic", cached="False", fallback="False")
    given = trace(ada.platform, answered, **known, provider="cache", cached="True", cost_nano_usd="0")
    assert bought.id != given.id


def test_a_run_of_an_agent_is_one_trace_across_its_state_machine(ada: Holder, paced: None) -> None:
    """From the request that begins it, through each turn and tool that Step Functions invokes, to its last write."""
    agents, emulator = Agents(ada), ada.platform.environment["AWS_ENDPOINT_URL"]

    def over(trace: Trace) -> bool:
        return answered(trace) and sum(span.name == "AgentsTurn" for span in trace.spans) == 2

    for _ in range(TRIES):
        run = agents.finished(tools=["search", "summarize", "extract"])
        assert run["status"] == "succeeded", run
        (found,) = executions.complete([trace(ada.platform, over, execution=run["runId"])], emulator)
        if found.unexplained < MOST_UNEXPLAINED * found.seconds:
            break

    doors = {"front door", "AgentsRuns", "AgentsTurn", "AgentsTool"}
    steps = {"state machine", "SFN StartExecution", "execution", "state Turn", "state Tools"}
    tools = {"tool search", "tool summarize", "tool extract", "anthropic", "hold", "book", "settle", "wait"}
    assert hops(found) >= doors | steps | tools
    turns = [span for span in found.spans if span.name == "AgentsTurn"]
    assert {parent.name for turn in turns for parent in found.spans if parent.id == turn.parent} == {"state Turn"}
    assert found.unexplained < MOST_UNEXPLAINED * found.seconds, list(found.walk())


def test_an_answer_on_the_live_socket_is_one_trace_with_the_message_that_asked_for_it(ada: Holder) -> None:
    model = fresh("alone")
    with connected(ada) as live:
        asked = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
        live.say(action="complete", requestId="r1", **asked)
        live.until("done")
    found = trace(ada.platform, lambda each: answered(each) and "LiveComplete" in hops(each), model=model)
    assert hops(found) >= {"live socket", "LiveMessage", "Lambda Invoke", "LiveComplete", "anthropic", "settle"}


def test_no_page_but_ours_is_told_of_traces_and_ours_shows_them(ada: Holder) -> None:
    model = fresh("alone")
    body = {"model": model, "messages": [{"role": "user", "content": "canary <words>"}]}
    assert ada.ask("POST", "/v1/chat/completions", body).status_code == 200
    trace(ada.platform, answered, model=model)
    page = httpx2.get(f"{ada.platform.url}/_traces", params={"model": model}, timeout=30)
    assert page.status_code == 200
    assert page.text.count("<details>") == 1
    assert "POST /v1/chat/completions" in page.text
    assert "canary" not in page.text
    assert httpx2.get(f"{ada.platform.url}/_traces", headers={"host": "evil.example"}, timeout=30).status_code == 403
