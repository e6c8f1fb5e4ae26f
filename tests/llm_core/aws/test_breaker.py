"""A candidate that keeps failing is left alone in every environment, until one probe succeeds."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Semaphore
from typing import Any
from uuid import uuid4

import pytest

from llm_core.aws import breaker, clients, outages
from llm_core.errors import DreyError
from llm_core.failures import (
    ContextLengthExceeded,
    ProviderDenied,
    ProviderError,
    ProviderFailed,
    ProviderOverloaded,
    ProviderRefused,
    ProviderSkipped,
    ProviderTimeout,
)
from llm_core.settings import settings
from tests.conftest import ROOT, Platform, fresh

FAILING: list[type[ProviderError]] = [ProviderFailed, ProviderOverloaded, ProviderTimeout]
MISTAKES: list[type[ProviderError]] = [ProviderRefused, ContextLengthExceeded, ProviderDenied]


@pytest.fixture
def name(inside: Platform) -> str:
    return f"anthropic/model-{uuid4().hex[:12]}"


class Asked:
    """A provider that fails as it is told to, and counts."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, *, error: type[ProviderError] | None = None) -> str:
        self.times += 1
        if error:
            raise error("no", provider="anthropic")
        return "hello"


def guarded(name: str, asked: Asked, error: type[ProviderError] | None = None) -> str:
    """The answer, or the name of what was raised."""
    try:
        return breaker.guarded(name, "anthropic", lambda: asked(error=error))
    except DreyError as raised:
        return type(raised).__name__


def opened(name: str, asked: Asked, error: type[ProviderError] = ProviderFailed) -> None:
    for _ in range(breaker.FAILURES):
        assert guarded(name, asked, error) == error.__name__


@contextmanager
def trips() -> Iterator[list[str]]:
    """The operations that boto3 sent to DynamoDB meanwhile."""
    sent: list[str] = []

    def note(model: Any, **_: Any) -> None:
        sent.append(model.name)

    events = clients.dynamodb().meta.events
    events.register("before-call.dynamodb", note)
    try:
        yield sent
    finally:
        events.unregister("before-call.dynamodb", note)


# ------------------------------------------------------------------------------------------- in one environment


@pytest.mark.parametrize("error", FAILING)
def test_after_three_failures_nobody_is_asked(name: str, error: type[ProviderError], log: io.StringIO) -> None:
    asked = Asked()
    opened(name, asked, error)
    assert guarded(name, asked) == "ProviderSkipped"
    assert asked.times == breaker.FAILURES
    (line,) = [json.loads(line) for line in log.getvalue().splitlines() if '"breaker"' in line]
    assert (line["circuit"], line["from"], line["to"]) == (f"breaker#{name}", "CLOSED", "OPEN")


def test_a_success_between_failures_starts_the_count_anew(name: str) -> None:
    asked = Asked()
    for error in (ProviderFailed, ProviderFailed, None, ProviderFailed, ProviderFailed, None):
        guarded(name, asked, error)
    assert guarded(name, asked) == "hello"


@pytest.mark.parametrize("error", MISTAKES)
def test_a_callers_mistake_never_opens_it(name: str, error: type[ProviderError]) -> None:
    asked = Asked()
    for _ in range(breaker.FAILURES * 3):
        assert guarded(name, asked, error) == error.__name__
    assert guarded(name, asked) == "hello"


def test_a_refusal_between_failures_shows_that_somebody_is_there(name: str) -> None:
    """Who answers 400 is alive: the failures around it are not consecutive."""
    asked = Asked()
    for error in (ProviderFailed, ProviderFailed, ProviderRefused, ProviderFailed):
        guarded(name, asked, error)
    assert guarded(name, asked) == "hello"


def test_one_candidates_trouble_is_not_anothers(name: str) -> None:
    opened(name, Asked())
    assert guarded(f"{name}-2", Asked()) == "hello"


def test_who_is_skipped_is_told_so_with_the_provider(name: str) -> None:
    opened(name, Asked())
    with pytest.raises(ProviderSkipped) as raised:
        breaker.guarded(name, "anthropic", Asked())
    assert (raised.value.provider, raised.value.elsewhere, raised.value.end_unknown) == ("anthropic", True, False)


# ------------------------------------------------------------------------------------------- recovery


def recovered(name: str) -> None:
    """The recovery time passes, and nothing is cached any more: what the table remembers is that much older."""
    health = settings().need("health_table_name")
    older = {":s": {"N": str(breaker.RECOVERY_SECONDS)}}
    clients.dynamodb().update_item(
        TableName=health,
        Key={"name": {"S": f"breaker#{name}"}},
        UpdateExpression="SET opened_at = opened_at - :s",
        ExpressionAttributeValues=older,
    )
    breaker._stores.clear()


def test_a_probe_that_succeeds_closes_it_for_all(name: str) -> None:
    asked = Asked()
    opened(name, asked)
    recovered(name)
    assert outages.among([name]) == [name]
    assert [guarded(name, asked) for _ in range(3)] == ["hello"] * 3
    assert asked.times == breaker.FAILURES + 3
    assert outages.among([name]) == []


def test_a_probe_that_fails_leaves_it_open_after_one_try(name: str) -> None:
    asked = Asked()
    opened(name, asked)
    recovered(name)
    assert guarded(name, asked, ProviderFailed) == "ProviderFailed"
    assert guarded(name, asked) == "ProviderSkipped"
    assert asked.times == breaker.FAILURES + 1


def test_of_eight_at_once_one_probes(name: str) -> None:
    opened(name, Asked())
    recovered(name)
    asked, gate, skipped = Asked(), Barrier(8), Semaphore(0)

    def slow() -> str:
        asked.times += 1
        for _ in range(7):  # the probe is still under way when the others come
            skipped.acquire(timeout=10)
        return "hello"

    def one(_: int) -> str:
        gate.wait()
        try:
            return breaker.guarded(name, "anthropic", slow)
        except ProviderSkipped:
            skipped.release()
            return "skipped"

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(one, range(8)))
    assert sorted(told) == ["hello", *["skipped"] * 7]
    assert asked.times == 1


def test_a_probe_that_ends_in_a_callers_mistake_shows_that_somebody_is_there(name: str) -> None:
    """The probe belongs to the thread that made it. It was answered 400: the next request, on another thread, as each
    is in `make run` and in another environment on Lambda, need not wait for one more recovery time."""
    opened(name, Asked())
    recovered(name)
    with ThreadPoolExecutor(1) as elsewhere:
        assert elsewhere.submit(guarded, name, Asked(), ProviderRefused).result() == "ProviderRefused"
    assert guarded(name, Asked()) == "hello"


# ------------------------------------------------------------------------------------------- what it costs


def test_while_closed_and_cached_it_adds_no_round_trip(name: str) -> None:
    asked = Asked()
    with trips() as sent:
        guarded(name, asked)
    assert sent == ["GetItem"], "one look for each name and environment"
    with trips() as sent:
        for _ in range(50):
            guarded(name, asked)
    assert sent == []


def test_a_failure_or_two_write_nothing_and_the_third_writes_once(name: str) -> None:
    asked = Asked()
    guarded(name, asked)
    with trips() as sent:
        guarded(name, asked, ProviderFailed)
        guarded(name, asked, ProviderFailed)
    assert sent == []
    with trips() as sent:
        guarded(name, asked, ProviderFailed)
    assert sent in (["UpdateItem"], ["PutItem"])
    with trips() as sent:
        for _ in range(10):
            guarded(name, asked)
    assert sent == [], "nor while it is open"


def test_a_missing_table_lets_everything_through(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTH_TABLE_NAME", "no-such-table")
    settings.cache_clear()
    asked = Asked()
    assert guarded(name, asked) == "hello"
    opened(name, asked)
    assert asked.times == 1 + breaker.FAILURES


def test_a_table_that_cannot_be_reached_neither_hides_the_answer_nor_the_failure(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    clients._clients.clear()
    breaker._stores.clear()
    assert guarded(name, Asked()) == "hello"
    assert guarded(name, Asked(), ProviderFailed) == "ProviderFailed"
    clients._clients.clear()


# ------------------------------------------------------------------------------------------- two environments

ENVIRONMENT = """
import json, sys
from llm_core import callers, gateway, keys
from llm_core.aws import breaker
from llm_core.deadline import Deadline
from llm_core.errors import DreyError
from llm_core.messages import Message, Request, Text

caller = callers.identify(keys.create("breaker", user_id="breaker", terms=keys.Terms({"ai:complete"})).api_key)
gateway.prepare()
print("READY", flush=True)
for line in sys.stdin:
    if not line.strip():
        breaker._stores.clear()
        continue
    request = Request(line.strip(), (Message("user", (Text("Hello"),)),), max_tokens=20)
    try:
        answer = gateway.answer(request, caller, Deadline.after(20))
        told = {"provider": answer.model.provider, "fallback": answer.fallback, "rows": len(answer.call.rows)}
    except DreyError as error:
        told = {"error": error.code}
    print("ANSWER " + json.dumps(told), flush=True)
"""
"""A Lambda environment of its own: each line names a model, each is answered by what came of it. After an
empty one nothing is cached any more."""

Environment = Callable[[str], dict[str, Any]]


@pytest.fixture
def environments(inside: Platform) -> Iterator[Callable[[], Environment]]:
    running: list[subprocess.Popen[str]] = []

    def start() -> Environment:
        process = subprocess.Popen(
            [sys.executable, "-c", ENVIRONMENT],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": "layers/llm_core:functions:.", "POWERTOOLS_TRACE_DISABLED": "true"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)

        def told(mark: str) -> str:
            assert process.stdout
            line = next((line for line in process.stdout if line.startswith(mark)), None)
            assert line is not None, f"the environment ended with {process.wait()}"
            return line.removeprefix(mark)

        told("READY")

        def ask(model: str) -> dict[str, Any]:
            assert process.stdin
            process.stdin.write(f"{model}\n")
            process.stdin.flush()
            if not model:
                return {}
            answer: dict[str, Any] = json.loads(told("ANSWER "))
            return answer

        return ask

    yield start
    for process in running:
        process.stdin.close()  # type: ignore[union-attr]
        process.wait(timeout=10)
        process.stdout.close()  # type: ignore[union-attr]


def test_two_environments_share_it_and_return_to_the_primary(
    understudy: Platform, environments: Callable[[], Environment]
) -> None:
    model = fresh("claude")
    primary_fails = {"kind": "status", "code": 500}
    one, other = environments(), environments()

    def asked() -> dict[str, int]:
        seen = [each for each in understudy.asked(1_000) if (each["model"] or "").endswith(model)]
        return {name: sum(each["provider"] == name for each in seen) for name in ("anthropic", "bedrock")}

    # Given a primary that fails: three failures in one environment, and the fallback answers.
    understudy.order(primary_fails, provider="anthropic", model=model)
    assert one(model) == {"provider": "bedrock", "fallback": True, "rows": 4}
    assert asked() == {"anthropic": 3, "bedrock": 1}

    # When both environments are asked, then neither asks the primary.
    assert one(model) == other(model) == {"provider": "bedrock", "fallback": True, "rows": 1}
    assert asked() == {"anthropic": 3, "bedrock": 3}

    # When the recovery time has passed and the primary still fails, then one probe is made by one of them.
    recovered(f"anthropic/{model}")
    one(""), other("")
    assert one(model)["provider"] == "bedrock"
    assert other(model)["provider"] == "bedrock"
    assert asked()["anthropic"] == 4, "one probe"

    # When it has passed again and the primary is well, then both return to it; who has seen it open looks again
    # within five seconds.
    understudy.free()
    recovered(f"anthropic/{model}")
    back = time.monotonic()
    answered: dict[str, bool] = {}
    for environment, name in ((one, "one"), (other, "other")):
        while not (answered.get(name) or time.monotonic() > back + 60):
            answered[name] = environment(model) == {"provider": "anthropic", "fallback": False, "rows": 1}
            time.sleep(0.2)
    assert answered == {"one": True, "other": True}
