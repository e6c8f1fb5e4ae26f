"""The age of the prices as a stage tells it: a metric that an alarm can stand on."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from llm_core.catalog import PACKAGE, Catalog
from operations.prices import handler
from tests.conftest import ROOT

CHECKED = date(2026, 11, 20)
EVENT = json.loads((ROOT / "events/operations/prices-day.json").read_text())


def scheduled(day: date) -> dict[str, int]:
    return handler({**EVENT, "time": f"{day}T06:00:00Z"}, SimpleNamespace())


@pytest.fixture(autouse=True)
def namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Drey")


@pytest.fixture
def catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two models: one checked on CHECKED that ends a hundred days later, one of an overlay, which nobody dates."""
    row = json.loads(PACKAGE.read_bytes())["models"][0]
    row |= {"checked_on": CHECKED.isoformat(), "shutdown": (CHECKED + timedelta(days=100)).isoformat()}
    base = {"unit": "USD per million tokens", "as_of": "2026-11-20", "models": [row]}
    mine = {"provider": "anthropic", "model": "mine", "input": 1, "output": 1, "context": 1000, "max_output": 100}
    told = Catalog(json.dumps(base).encode(), json.dumps({"models": [mine]}).encode())
    monkeypatch.setattr("operations.prices.catalog", lambda: told)


@pytest.mark.parametrize(("after", "age", "ended"), [(0, 0, 0), (90, 90, 0), (100, 100, 0), (101, 101, 1)])
def test_the_age_and_the_ends_grow_with_the_days(catalog: None, after: int, age: int, ended: int) -> None:
    assert scheduled(CHECKED + timedelta(days=after)) == {"days": age, "ended": ended}


def test_both_are_metrics_of_their_stage(catalog: None, capsys: pytest.CaptureFixture[str], log: io.StringIO) -> None:
    scheduled(CHECKED + timedelta(days=101))
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert (line["PriceAge"], line["ModelsEnded"], line["stage"]) == ([101.0], [1.0], "dev")
    (named,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert named["ended"] == ["anthropic/claude-haiku-4-5"]


def test_a_container_that_is_only_warmed_tells_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    warm: dict[str, Any] = {"warmup": True}
    assert handler(warm, SimpleNamespace()) == {}
    assert "_aws" not in capsys.readouterr().out
