"""GET /admin/live and /admin/health: what is at work, as it is; what is measured, or null."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from llm_core import callers, keys
from llm_core.aws import breaker
from llm_core.deadline import Deadline
from llm_core.failures import ProviderFailed
from llm_core.roll_ups.counting import Fact, count
from operations import at_work, condition
from tests.conftest import Platform, fresh
from tests.llm_core.roll_ups.rows import fresh_day, row


def asked(platform: Platform, key: str, path: str, body: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return platform.http.post(f"{platform.url}/v1/agents{path}", json=body, headers=headers)


def test_a_run_that_waits_for_a_person_is_seen_until_it_is_over(inside: Platform) -> None:
    user = f"user-{uuid4().hex[:8]}"
    key = keys.create("test", user_id=user, terms=keys.Terms(set(callers.SCOPES))).api_key
    order = {"type": "research", "input": {"topic": "nests"}, "requireApproval": ["search"]}
    run = asked(inside, key, "/run", order).json()
    assert run["status"] == "awaiting_approval"
    (seen,) = (each for each in at_work.told(time.time())["runs"] if each["userId"] == user)
    assert (seen["runId"], seen["type"], seen["status"]) == (run["runId"], "research", "awaiting_approval")
    asked(inside, key, f"/runs/{run['runId']}/cancel", {})
    assert not [each for each in at_work.told(time.time())["runs"] if each["userId"] == user]


def test_latencies_are_those_of_this_hour_and_the_one_before_and_failures_are_told(inside: Platform) -> None:
    """On a day of its own, far from what other tests count."""
    day = fresh_day()
    now = datetime(day.year, day.month, day.day, 10, 30, tzinfo=UTC)
    model = f"model-{uuid4().hex[:6]}"
    rows = [
        row(day, second=hour * 3600, userId=f"u-{uuid4().hex[:8]}", model=model, **changed)
        for hour, changed in (
            (10, {"latencyMs": 100}),
            (9, {"latencyMs": 100}),
            (9, {"latencyMs": 4_000, "outcome": "timeout"}),
            (8, {"latencyMs": 60_000}),
        )
    ]
    count([Fact.of(each) for each in rows], Deadline.after(20))
    told = at_work.told(now.timestamp())
    latency = told["latency"]
    assert (latency["minutes"], latency["attempts"]) == (90, 3)
    assert latency["p50_ms"] == pytest.approx(100, rel=0.1)
    assert latency["p99_ms"] == pytest.approx(4_000, rel=0.1)
    assert [(each["hour"], each["model"], each["outcome"], each["attempts"]) for each in told["errors"]] == [
        (f"{day}T09:00:00Z", model, "timeout", 1)
    ]


def test_a_candidate_that_keeps_failing_is_seen_to_be_left_alone(inside: Platform) -> None:
    model = fresh("alone")

    def fails() -> None:
        raise ProviderFailed("No.", provider="anthropic")

    for _ in range(breaker.FAILURES):
        with pytest.raises(ProviderFailed):
            breaker.guarded(f"anthropic/{model}", "anthropic", fails)
    told = condition.told(time.time())
    states = {each["candidate"]: each for each in told["breakers"]}
    assert states[f"anthropic/{model}"]["state"] == "open"
    since = datetime.fromisoformat(states[f"anthropic/{model}"]["since"])
    assert abs(time.time() - since.timestamp()) < 60
    assert "anthropic/claude-haiku-4-5" not in states
    assert told["candidates"] > len(told["breakers"])


def test_prices_ends_and_tables_are_told_and_nothing_is_made_up(inside: Platform) -> None:
    told = condition.told(datetime(2026, 12, 1, tzinfo=UTC).timestamp())
    assert told["prices"]["ageDays"] >= 0
    assert [each["shutdown"] for each in told["shutdowns"]] == sorted(each["shutdown"] for each in told["shutdowns"])
    assert {each["name"] for each in told["tables"]} == {"keys", "budgets", "health"}
    assert all(each["ms"] > 0 for each in told["tables"])
    assert told["measured"] is None, "the emulator's CloudWatch measures no API"
