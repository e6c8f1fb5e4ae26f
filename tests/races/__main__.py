"""`make races`: the whole matrix, one race after the other; the table goes to docs/benchmarks/races.md.

python -m tests.races --only "three accounts" --calls 300
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.conftest import ROOT, Platform, fresh, started
from tests.races import race
from tests.races.conftest import Strict, standing_in
from tests.races.plan import Account, Plan
from tests.races.race import Outcome

DOCUMENT = ROOT / "docs/benchmarks/races.md"
CENT = 10_000_000
"""nano-USD."""

STORMY = {"throttled": 0.05, "reset": 0.02, "lost": 0.03, "slow": 0.03, "late": 0.01, "hold_back_s": 0.005}
"""What one in seven requests to the tables suffers; each write lasts 5 ms longer, so that they overlap."""


@dataclass(frozen=True)
class Scenario:
    """`lay_out` gives the accounts, and the limits of the keys, for a name of its own."""

    name: str
    lay_out: Callable[[str], dict[str, Any]]
    turns: bool = False
    """A month ends in the middle."""

    weather: tuple[tuple[str, float], ...] = tuple(STORMY.items())


def one_key(_name: str) -> dict[str, Any]:
    return {"accounts": [], "keys": 1, "key_month": 10 * CENT, "moved": ["key"]}


def one_team(shards: int) -> Callable[[str], dict[str, Any]]:
    def lay_out(name: str) -> dict[str, Any]:
        team = Account(f"team:{name}", None, 20 * CENT, shards)
        return {"accounts": [team], "keys": 8, "moved": [team.name]}

    return lay_out


def three(shards: int) -> Callable[[str], dict[str, Any]]:
    def lay_out(name: str) -> dict[str, Any]:
        org = Account(f"org:{name}", None, 25 * CENT, shards)
        team = Account(f"team:{name}", org.name, 20 * CENT, shards)
        return {"accounts": [org, team], "keys": 8, "key_month": 10 * CENT, "moved": [org.name, team.name, "key"]}

    return lay_out


SCENARIOS = [
    Scenario("one account: a key", one_key),
    Scenario("one account: a key; a month turns", one_key, turns=True),
    Scenario("one account: a team", one_team(1)),
    Scenario("one account: a team in 4 shards", one_team(4)),
    Scenario("three accounts", three(1)),
    Scenario("three accounts in 4 shards", three(4)),
    Scenario("three accounts in 4 shards; a month turns", three(4), turns=True),
]


def planned(scenario: Scenario, calls: int, folder: Path) -> Plan:
    name = uuid4().hex[:8]
    return Plan(
        folder=str(folder),
        user=f"user-{name}",
        model=fresh("alone"),
        calls=calls,
        frozen=4,
        seconds=10,
        ahead_s=until_the_month_ends() - calls / 40 if scenario.turns else 0,
        **scenario.lay_out(name),
    )


def until_the_month_ends() -> float:
    now = datetime.now(UTC)
    first = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
    return (first - now).total_seconds()


def run(scenarios: Sequence[Scenario], calls: int, console: Console) -> list[tuple[Scenario, Outcome]]:
    outcomes = []
    with (
        tempfile.TemporaryDirectory(prefix="races-", delete=False) as kept,
        started(Path(kept)) as platform,
        standing_in(platform) as strict,
    ):
        platform.http.post(f"{platform.understudy}/_understudy/pace", json={"first_token_s": 0.05}).raise_for_status()
        for number, scenario in enumerate(scenarios):
            folder = Path(kept) / f"race-{number}"
            folder.mkdir()
            outcome = _one(platform, strict, scenario, planned(scenario, calls, folder), console)
            for violation in outcome.trial.violations[:10]:
                console.print(f"[red]{violation}[/red]")
            if outcome.trial.violations:
                console.print(f"[red]{len(outcome.trial.violations)} violations; all is kept in {folder}[/red]")
            outcomes.append((scenario, outcome))
    return outcomes


def _one(platform: Platform, strict: Strict, scenario: Scenario, plan: Plan, console: Console) -> Outcome:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task(scenario.name, total=plan.calls)

        def show(counts: Counter[str]) -> None:
            progress.update(task, completed=counts["begun"])

        return race.run(platform, strict, plan, dict(scenario.weather), show)


def tabled(outcomes: Sequence[tuple[Scenario, Outcome]]) -> Table:
    table = Table(title="Races at a budget's edge", title_justify="left")
    table.add_column("")
    names = ("calls", "answered", "refused", "failed", "killed", "frozen", "moves", "swept", "conflicts", "throttled")
    for name in (*names, "lost", "slow", "calls/s", "violations"):
        table.add_column(name, justify="right")
    for scenario, outcome in outcomes:
        colour = "red" if outcome.trial.violations else "green"
        *cells, violations = figures(outcome)
        table.add_row(scenario.name, *cells, f"[{colour}]{violations}[/{colour}]")
    return table


def figures(outcome: Outcome) -> list[str]:
    told = outcome.faults
    conflicts = told.get("TransactionCanceledException", 0) + told.get("TransactionConflictException", 0)
    throttled = told.get("ThrottlingException", 0) + told.get("ProvisionedThroughputExceededException", 0)
    numbers = [outcome.plan.calls, outcome.answered, outcome.refused, outcome.failed, outcome.killed, outcome.frozen]
    numbers += [outcome.moved, outcome.swept, conflicts, throttled, told.get("lost", 0) + told.get("reset", 0)]
    numbers += [told.get("slow", 0) + told.get("late", 0)]
    return [*map(str, numbers), f"{outcome.plan.calls / outcome.seconds:.0f}", str(len(outcome.trial.violations))]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.races", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="the races whose names begin like this")
    parser.add_argument("--calls", type=int, default=2_000)
    arguments = parser.parse_args()
    console = Console(highlight=False, width=200)
    chosen = [scenario for scenario in SCENARIOS if scenario.name.startswith(arguments.only)]
    outcomes = run(chosen, arguments.calls, console)
    console.print(tabled(outcomes))
    return 1 if any(outcome.trial.violations for _, outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
