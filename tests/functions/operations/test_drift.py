"""The weekly look at the models: what counts as drift, what does not, who is told, who pays."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from evals import cases
from evals.play import asked
from evals.recordings import Asked
from llm_core import alerts, public
from llm_core.accounts import tree
from llm_core.errors import StoreUnavailable
from operations import drift
from operations.drift import Case, handler, suite
from tests.conftest import ROOT, Platform, fresh

EVENT = json.loads((ROOT / "events/operations/drift-week.json").read_text())
CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
SCHEMA = {"type": "object", "properties": {"label": {"type": "string"}}, "required": ["label"]}
RIGHT, WRONG = ({"text": json.dumps({"label": label})} for label in ("delivery", "billing"))


@pytest.fixture
def told(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, dict[str, Any]]]:
    """The alerts that were raised."""
    raised: list[tuple[str, str, dict[str, Any]]] = []
    monkeypatch.setattr(alerts, "raise_once", lambda kind, subject, **facts: raised.append((kind, subject, facts)))
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Drey")
    return raised


@pytest.fixture
def model(understudy: Platform, monkeypatch: pytest.MonkeyPatch) -> str:
    """One that only this test asks; two cases of it, both of which passed when they were recorded."""
    name = fresh("alone")
    one = {"use_case": "classify", "model": name, "max_tokens": 100, "output": {"name": "x", "schema": SCHEMA}}
    one |= {"checks": {"label": "delivery"}, "passed": True}
    both = [Case.model_validate({**one, "place": f"classify/{each}", "text": each}) for each in ("first", "second")]
    monkeypatch.setattr(drift, "suite", lambda: both)
    return name


def test_the_deployed_cases_ask_what_was_recorded() -> None:
    """Each has the very key of its recording: what is compared was asked in the same words."""
    for case in suite():
        whole = cases.load(case.use_case)
        (recorded,) = [each for each in whole.cases if each.name == case.place.partition("/")[2]]
        assert Asked(case.place, case.request).key == asked(whole, recorded, case.model).key
    assert {case.use_case for case in suite()} >= {"classify", "extract", "summarize"}


def test_who_answers_as_before_has_not_drifted(
    model: str, understudy: Platform, told: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    understudy.perform(RIGHT, model=model)
    assert handler(EVENT, CONTEXT) == {"classify": {"cases": 2, "now": 2, "then": 2}}
    assert told == []
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "EvalScore" in line]
    assert [(line["use_case"], line["EvalScore"], line["EvalBaseline"]) for line in lines] == [
        ("classify", [100.0], [100.0])
    ]


def test_who_answers_worse_is_told_of_with_both_scores(model: str, understudy: Platform, told: list[Any]) -> None:
    understudy.perform(WRONG, model=model, times=2)
    understudy.perform(RIGHT, model=model)
    assert handler(EVENT, CONTEXT) == {"classify": {"cases": 2, "now": 1, "then": 2}}
    assert told == [("drift", "classify", {"score": 50, "baseline": 100, "cases": 2})]


def test_one_slip_is_no_drift(model: str, understudy: Platform, told: list[Any]) -> None:
    understudy.perform(WRONG, model=model, times=1)
    understudy.perform(RIGHT, model=model)
    assert handler(EVENT, CONTEXT)["classify"]["now"] == 2
    assert told == []


def test_an_outage_is_no_drift(model: str, understudy: Platform, told: list[Any]) -> None:
    understudy.order({"kind": "status", "code": 401}, model=model)
    assert handler(EVENT, CONTEXT) == {"classify": {"cases": 0, "now": 0, "then": 0}}
    assert told == []


def test_the_platform_pays_from_an_account_of_its_own(model: str, understudy: Platform, told: list[Any]) -> None:
    understudy.perform(RIGHT, model=model)
    handler(EVENT, CONTEXT)
    assert [each.name for each in tree.lineage("key:own-evaluations")] == ["key:own-evaluations", "user:evaluations"]


def test_tables_that_are_gone_are_no_drift_either(model: str, told: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(public, "own", gone)
    assert handler(EVENT, CONTEXT)["classify"]["cases"] == 0
    assert told == []


def test_a_container_that_is_only_warmed_asks_nobody(told: list[Any]) -> None:
    assert handler({"warmup": True}, CONTEXT) == {}
