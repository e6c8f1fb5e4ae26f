"""The suites themselves: every prompt has one, with enough cases, adversarial ones among them, on two providers."""

from __future__ import annotations

import json

import pytest

from evals import cases
from evals.play import asked
from evals.recordings import FOLDER, UNDERSTUDY
from evals.results import read
from llm_core.prompts import library

SUITES = cases.names()


def test_every_prompt_has_a_suite_and_every_suite_a_prompt() -> None:
    assert set(SUITES) == {file.stem for file in library.FOLDER.glob("*.toml")}


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_has_six_cases_or_more_and_says_of_some_what_they_try(name: str) -> None:
    suite = cases.load(name)
    assert suite.use_case == name
    assert len(suite.cases) >= 6
    assert any(case.why for case in suite.cases)


@pytest.mark.parametrize("name", SUITES)
def test_a_use_case_passes_the_same_checks_on_two_providers(name: str) -> None:
    suite = cases.load(name)
    of_models = [asked(suite, suite.cases[0], model).model for model in suite.models]
    assert len({model.provider for model in of_models}) >= 2
    versions = read()[name]
    latest = versions[max(versions, key=int)]
    for model in of_models:
        result = latest["models"][model.name]
        assert result["passed"] >= suite.pass_rate * result["cases"]


@pytest.mark.parametrize("name", SUITES)
def test_every_case_is_held_against_something(name: str) -> None:
    suite = cases.load(name)
    for case in suite.cases:
        assert case.checks.model_fields_set, case.name


def test_a_recording_says_truly_who_answered() -> None:
    """An answer that the understudy said has its words' home in scripts/; a provider's name must not stand over it."""
    scripts = "".join(file.read_text() for file in (FOLDER.parent / "scripts").glob("*.yaml"))
    assert "No model said it." in scripts
    for file in FOLDER.rglob("*.json"):
        told = json.loads(file.read_text())
        assert told["by"] in (UNDERSTUDY, told["model"].partition("/")[0]), file
        assert told["key"] in file.name
