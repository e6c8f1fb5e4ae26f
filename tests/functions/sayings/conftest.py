"""Doors of sayings in this process, as containers that were just started, on tables of one test's own."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from llm_core import public
from llm_core.accounts import limits
from llm_core.aws import clients, expiring, functions, stage_catalog, table
from llm_core.deadline import Deadline
from llm_core.settings import settings
from local.door import Context
from sayings import build_cache, get_saying, process_feedback, stats, writer
from sayings.rotation import CacheManager
from sayings.saying import Saying
from sayings.shelf import Shelf
from tests.conftest import ROOT, Platform, pool
from tests.estate import Estate

TABLES = {
    "MainHumorTable": "MAIN_HUMOR_TABLE_NAME",
    "SayingFeedbackTable": "SAYING_FEEDBACK_TABLE_NAME",
    "SayingSumsTable": "SAYING_SUMS_TABLE_NAME",
}


@dataclass
class Sayings:
    """The doors, and the tables behind them by their logical ids."""

    platform: Platform
    tables: dict[str, str] = field(default_factory=dict)
    invoked: list[tuple[str, Any]] = field(default_factory=list)
    """Functions that were invoked without waiting, with their events."""

    def get(self) -> dict[str, Any]:
        """One saying, as the page gets it."""
        answer = self.asked()
        assert answer["statusCode"] == 200, answer["body"]
        told: dict[str, Any] = json.loads(answer["body"])
        return told

    def asked(self) -> dict[str, Any]:
        context = Context("SayingsGetSaying", 1024, time.monotonic() + 20)
        answer: dict[str, Any] = get_saying.handler(event("get_saying-first"), context)
        return answer

    def fill(self) -> dict[str, int]:
        """A round of cache building."""
        context = Context("SayingsBuildCache", 1024, time.monotonic() + 55)
        new: dict[str, int] = build_cache.handler(event("build_cache-empty"), context)
        return new

    def vote(self, *, key: str | None = None, **fields: Any) -> dict[str, Any]:
        """A thumb: the sample event's, with other fields; None leaves one out."""
        sent = event("process_feedback-unknown_saying")
        body = {**json.loads(sent["body"]), **fields}
        sent["body"] = json.dumps({name: value for name, value in body.items() if value is not None})
        if key is not None:
            sent["headers"]["Idempotency-Key"] = key
        context = Context("SayingsProcessFeedback", 512, time.monotonic() + 15)
        answer: dict[str, Any] = process_feedback.handler(sent, context)
        return answer

    def opinions(self) -> dict[str, Any]:
        context = Context("SayingsStats", 512, time.monotonic() + 10)
        answer: dict[str, Any] = stats.handler(event("stats-all"), context)
        return answer

    def stats(self) -> dict[str, Any]:
        answer = self.opinions()
        assert answer["statusCode"] == 200, answer["body"]
        told: dict[str, Any] = json.loads(answer["body"])
        return told

    def items(self, name: str) -> list[dict[str, Any]]:
        """All that is in a table."""
        pages = clients.dynamodb().get_paginator("scan").paginate(TableName=self.tables[name], ConsistentRead=True)
        return [table.unpacked(item) for page in pages for item in page["Items"]]

    def saying(self, text: str) -> dict[str, Any]:
        """The saying's item."""
        (found,) = [item for item in self.items("MainHumorTable") if item["saying"] == text]
        return found


def event(case: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / f"events/sayings/{case}.json").read_text())
    return found


def haiku(text: str, **changed: Any) -> Saying:
    """A saying that Claude Haiku wrote within 900 ms."""
    told = {"service": "s3", "vendor": "anthropic", "model": "claude-haiku-4-5", "original_llm_time": 900, **changed}
    return Saying(text, **told)


def counted(monkeypatch: pytest.MonkeyPatch, room: Any, name: str) -> list[str]:
    """A word for each time that this function of a room is called from now on."""
    calls: list[str] = []
    original = getattr(room, name)

    def call(*told: Any, **more: Any) -> Any:
        calls.append(name)
        return original(*told, **more)

    monkeypatch.setattr(room, name, call)
    return calls


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers that have served nobody yet."""
    begin(monkeypatch)


def begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_saying, "cache", CacheManager())
    monkeypatch.setattr(get_saying, "shelf", Shelf())
    monkeypatch.setattr(stats, "_kept", (0.0, {}))


@pytest.fixture
def sayings(inside: Platform, monkeypatch: pytest.MonkeyPatch, warm: None) -> Iterator[Sayings]:
    """The doors on empty tables."""
    found, dynamodb = Sayings(inside), clients.dynamodb()
    for name, variable in TABLES.items():
        found.tables[name] = f"{name}-{secrets.token_hex(6)}"
        told = Estate({}).source.resources[name]["Properties"]
        dynamodb.create_table(
            TableName=found.tables[name],
            **{each: told[each] for each in SCHEMA if each in told},
        )
        monkeypatch.setenv(variable, found.tables[name])
    settings.cache_clear()
    monkeypatch.setattr(functions, "begin", lambda name, event: found.invoked.append((name, event)))
    yield found
    for name in found.tables.values():
        dynamodb.delete_table(TableName=name)


@pytest.fixture
def four(understudy: Platform, sayings: Sayings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """{role: its model}: models of one test's own, in front of an understudy that obeys, and nobody rests."""
    models = {role: f"{FAMILIES[role]}-{letters()}" for role in writer.ROLES}
    overlay = tmp_path / "four.json"
    rows = [
        next(row for row in pool()["models"] if row["model"].startswith(f"{kind}-pool")) for kind in ("alone", "gpt")
    ]
    providers = {row["provider"]: row for row in rows}
    overlay.write_text(
        json.dumps(
            {
                "models": [{**providers[PROVIDERS[role]], "model": model} for role, model in models.items()],
                "roles": models,
            }
        )
    )
    monkeypatch.setenv("DREY_OVERLAY", f"file:{overlay}")
    settings.cache_clear()
    stage_catalog.catalog.cache_clear()
    public.caller("sayings")
    limits.change(public.PURSE, {"day": PURSE}, lambda *_: (), Deadline.after(5))
    for name in (*(f"cooldown#{role}" for role in writer.ROLES), build_cache.CLAIM):
        expiring.forget(settings().need("health_table_name"), name)
    return models


def letters() -> str:
    """A word without digits, which would tell a model's generation."""
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(12))


PURSE = 10**12
"""nano-USD: calls of which nobody saw the end are booked at their ceilings, and tests make many of those."""

FAMILIES = {
    "sayings_haiku": "claude-haiku",
    "sayings_sonnet": "claude-sonnet",
    "sayings_gpt": "gpt",
    "sayings_gpt_mini": "gpt-mini",
}
PROVIDERS = {role: "openai" if "gpt" in role else "anthropic" for role in writer.ROLES}

SCHEMA = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
