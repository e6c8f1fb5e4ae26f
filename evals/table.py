"""What evaluations show, on a terminal: one table a run, and two prompts or two models side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table

from evals.play import Outcome
from evals.recordings import UNDERSTUDY
from evals.results import Result, Results, cost, of

FOOTNOTE = (
    f"* by the {UNDERSTUDY}: people wrote these answers, no model said them. What passes shows that prompts, code and "
    "checks fit together; its quality and latency say nothing about a model."
)


class NothingToCompare(LookupError):
    """A side of a comparison of which there is no run."""


def run(played: Sequence[tuple[str, int, Sequence[Outcome]]]) -> Table:
    """Of each suite: its name, its prompt's version, its outcomes."""
    table = Table(title="Evaluations", title_justify="left")
    for name in ("suite", "model"):
        table.add_column(name, no_wrap=True)
    for name in ("passed", "USD", "ms"):
        table.add_column(name, justify="right", no_wrap=True)
    for suite, version, outcomes in played:
        for model, result in of(outcomes).items():
            colour = "green" if result["passed"] == result["cases"] else "red"
            passed = f"[{colour}]{result['passed']}/{result['cases']}[/{colour}]"
            name = marked(model.partition("/")[2], result)
            table.add_row(f"{suite} v{version}", name, passed, result["cost_usd"], _ms(result))
    return table


def marked(model: str, result: Result) -> str:
    return f"{model}{'*' if UNDERSTUDY in result['by'] else ''}"


def _ms(result: Result) -> str:
    return str(result["latency_ms"])


def compared(results: Results, left: str, right: str) -> Table:
    """Two versions of a prompt (`classify@1` and `classify@2`) by each model, or two models by each prompt's latest.

    Raises NothingToCompare.
    """
    table = Table(title=f"A: {left}, B: {right}", title_justify="left")
    table.add_column("model" if "@" in left else "prompt", no_wrap=True)
    for name in ("passed", "USD", "ms"):
        for side in ("A", "B"):
            table.add_column(f"{name} {side}", justify="right")
    rows = _of_versions(results, left, right) if "@" in left else _of_models(results, left, right)
    for name, one, two in rows:
        pairs = zip(_cells(one, two), _cells(two, one), strict=True)
        table.add_row(name, *(cell for pair in pairs for cell in pair))
    if not table.row_count:
        raise NothingToCompare(f"evals/results.json has no run of both {left} and {right}.")
    return table


def _of_versions(results: Results, left: str, right: str) -> Iterator[tuple[str, Result, Result]]:
    one, two = (_version(results, side)["models"] for side in (left, right))
    yield from ((marked(model, two[model]), one[model], two[model]) for model in one if model in two)


def _version(results: Results, side: str) -> dict[str, Any]:
    use_case, _, version = side.partition("@")
    try:
        found: dict[str, Any] = results[use_case][version]
    except KeyError as error:
        known = ", ".join(f"{name}@{each}" for name in sorted(results) for each in results[name])
        raise NothingToCompare(f"evals/results.json has no {side}, only {known}.") from error
    return found


def _of_models(results: Results, left: str, right: str) -> Iterator[tuple[str, Result, Result]]:
    for use_case, versions in sorted(results.items()):
        version = max(versions, key=int)
        models = versions[version]["models"]
        one, two = (
            next((r for m, r in models.items() if side in (m, m.partition("/")[2])), None) for side in (left, right)
        )
        if one and two:
            yield f"{use_case} v{version}{'*' if UNDERSTUDY in one['by'] + two['by'] else ''}", one, two


def _cells(mine: Result, other: Result) -> tuple[str, str, str]:
    """The better of both in green."""

    def best(text: str, better: bool) -> str:
        return f"[green]{text}[/green]" if better else text

    return (
        best(f"{mine['passed']}/{mine['cases']}", mine["passed"] * other["cases"] > other["passed"] * mine["cases"]),
        best(mine["cost_usd"], cost(mine) < cost(other)),
        best(_ms(mine), mine["latency_ms"] < other["latency_ms"]),
    )
