"""results.json: what each version of each prompt has shown, by each model. The record that versions are compared by."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

from evals.play import Outcome
from llm_core.messages import Instructions
from llm_core.money import plain
from llm_core.prompts.library import fingerprint

FILE = Path(__file__).with_name("results.json")

Result = dict[str, Any]
"""by, on, passed, cases, failed (names), cost_usd (text, of all answers), latency_ms (median)."""
Results = dict[str, dict[str, Any]]
"""use case -> version -> {prompt: fingerprint, models: {name: Result}}"""


def read(file: Path = FILE) -> Results:
    found: Results = json.loads(file.read_text()) if file.exists() else {}
    return found


def write(results: Results, file: Path = FILE) -> None:
    file.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


def of(outcomes: Sequence[Outcome]) -> dict[str, Result]:
    """By model."""
    models = dict.fromkeys(outcome.model for outcome in outcomes)
    return {model: _of_one([o for o in outcomes if o.model == model]) for model in models}


def _of_one(outcomes: Sequence[Outcome]) -> Result:
    return {
        "by": ", ".join(sorted({outcome.by for outcome in outcomes if outcome.by})),
        "on": max(outcome.on for outcome in outcomes),
        "passed": sum(outcome.passed for outcome in outcomes),
        "cases": len(outcomes),
        "failed": [outcome.case for outcome in outcomes if not outcome.passed],
        "cost_usd": plain(sum(outcome.cost for outcome in outcomes)),
        "latency_ms": round(median(outcome.latency_ms for outcome in outcomes)),
    }


def noted(results: Results, told: Instructions, outcomes: Sequence[Outcome]) -> None:
    """This run, under the prompt's version."""
    entry = {"prompt": fingerprint(told), "models": of(outcomes)}
    results.setdefault(told.use_case, {})[str(told.version)] = entry


def complaints(results: Results, told: Instructions, outcomes: Sequence[Outcome]) -> Iterable[str]:
    """Where results.json says otherwise than the recordings."""
    entry = results.get(told.use_case, {}).get(str(told.version))
    if entry is None or entry["prompt"] != fingerprint(told):
        return  # gates/prompts.py says so
    if any(outcome.missing for outcome in outcomes):
        return
    for model, result in of(outcomes).items():
        known = entry["models"].get(model, {})
        if wrong := [name for name in result if known.get(name) != result[name]]:
            told_by = ", ".join(f"{name} {known.get(name)!r} there, {result[name]!r} here" for name in wrong)
            yield (
                f"{told.use_case} by {model}: evals/results.json is not what the recordings give ({told_by}). "
                f"`make evals LIVE=1 SUITE={told.use_case}` writes it anew; what is recorded costs nothing again."
            )


def cost(result: Result) -> Decimal:
    return Decimal(result["cost_usd"])
