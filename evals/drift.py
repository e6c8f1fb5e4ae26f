"""The few cases that a stage asks anew each week (functions/operations/drift.py), with what they showed here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evals.cases import Suite
from evals.play import Outcome, asked
from llm_core.messages import Text
from operations import checks

FILE = Path(checks.__file__).with_name("drift.json")

Played = Sequence[tuple[Suite, Sequence[Outcome]]]


def of(played: Played) -> list[dict[str, Any]]:
    """The cases that suites name under `drift`, by the first of their models."""
    return [case for suite, outcomes in played for case in _of_suite(suite, outcomes)]


def _of_suite(suite: Suite, outcomes: Sequence[Outcome]) -> Iterator[dict[str, Any]]:
    model = suite.models[0]
    for case in suite.cases:
        if case.name not in suite.drift:
            continue
        ours = asked(suite, case, model)
        (part,) = ours.request.messages[0].parts
        assert isinstance(part, Text)  # noqa: S101 - for the type checker: cases are texts
        output = ours.request.output
        (outcome,) = [each for each in outcomes if (each.case, each.model) == (case.name, ours.model.name)]
        shared = suite.checks(case).model_dump(mode="json", exclude_defaults=True)
        yield {
            "place": ours.place,
            "use_case": suite.use_case,
            "model": model,
            "text": part.text,
            "max_tokens": ours.request.max_tokens,
            "output": {"name": output.name, "schema": output.schema} if output else None,
            "checks": {name: value for name, value in shared.items() if name in checks.Checks.model_fields},
            "passed": outcome.passed,
        }


def write(played: Played, file: Path = FILE) -> None:
    """The cases of these suites anew, those of others as they are."""
    names = {suite.use_case for suite, _ in played}
    others = [case for case in read(file) if case["use_case"] not in names]
    cases = sorted([*others, *of(played)], key=lambda case: case["place"])
    file.write_text(json.dumps(cases, indent=1, ensure_ascii=False) + "\n")


def read(file: Path = FILE) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(file.read_text()) if file.exists() else []
    return found


def complaints(played: Played, file: Path = FILE) -> Iterator[str]:
    """Suites whose cases are deployed otherwise than they stand here."""
    deployed = read(file)
    for suite, outcomes in played:
        if any(outcome.missing for outcome in outcomes):
            continue
        there = [case for case in deployed if case["use_case"] == suite.use_case]
        if sorted(of([(suite, outcomes)]), key=lambda case: case["place"]) != there:
            yield (
                f"functions/operations/drift.json has other cases of {suite.use_case} than its suite: "
                f"`make evals LIVE=1 SUITE={suite.use_case}` writes it anew"
            )
