"""`make races`: the whole matrix, one race after the other; the table goes to docs/benchmarks/races.md.

python -m tests.races --only "three accounts" --calls 300     prints it only
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.conftest import Platform, fresh, started
from tests.races import page, race
from tests.races.conftest import Strict, standing_in
from tests.races.plan import Account, Plan
from tests.races.race import Outcome

CENT = 10_000_000
"""nano-USD. A call of these races holds up to 1.3 million, and costs some 0.2 million."""

FAR_AWAY = 100_000 * CENT

STORMY = {"throttled": 0.05, "reset": 0.02, "lost": 0.03, "slow": 0.03, "late": 0.01, "hold_back_s": 0.005}
"""What one in seven requests to the tables suffers; each write lasts 5 ms longer, so that they overlap."""


@dataclass(frozen=True)
class Scenario:
    """`lay_out` gives the accounts, and the limits of the keys, for a name of its own."""

    name: str
    lay_out: Callable[[str], dict[str, Any]]
    turns: bool = False
    """A month ends in the middle."""

    quiet: bool = False
    """Nobody dies, nothing fails, and the limit is far away: how many calls go through one account?"""


def one_key(_name: str) -> dict[str, Any]:
    return {"accounts": [], "keys": 1, "key_month": 3 * CENT, "moved": ["key"]}


def one_team(shards: int, month: int = 3 * CENT) -> Callable[[str], dict[str, Any]]:
    def lay_out(name: str) -> dict[str, Any]:
        team = Account(f"team:{name}", None, month, shards)
        return {"accounts": [team], "keys": 8, "moved": [team.name]}

    return lay_out


def three(shards: int) -> Callable[[str], dict[str, Any]]:
    def lay_out(name: str) -> dict[str, Any]:
        org = Account(f"org:{name}", None, 4 * CENT, shards)
        team = Account(f"team:{name}", org.name, 3 * CENT, shards)
        return {"accounts": [org, team], "keys": 8, "key_month": CENT, "moved": [org.name, team.name, "key"]}

    return lay_out


SCENARIOS = [
    Scenario("one account: a key", one_key),
    Scenario("one account: a key; a month turns", one_key, turns=True),
    Scenario("one account: a team", one_team(1)),
    Scenario("one account: a team in 4 shards", one_team(4)),
    Scenario("three accounts", three(1)),
    Scenario("three accounts in 4 shards", three(4)),
    Scenario("three accounts in 4 shards; a month turns", three(4), turns=True),
    Scenario("quiet: a team", one_team(1, FAR_AWAY), quiet=True),
    Scenario("quiet: a team in 4 shards", one_team(4, FAR_AWAY), quiet=True),
]


def planned(scenario: Scenario, calls: int, folder: Path) -> Plan:
    name = uuid4().hex[:8]
    fates: dict[str, Any] = {"frozen": 4, "seconds": 10}
    if scenario.quiet:
        fates = {"killed": 0, "quota": -(-calls // 4), "seconds": 10, "moved": []}
    if scenario.turns:
        fates["ahead_s"] = until_the_month_ends() - calls / 40
    laid_out = scenario.lay_out(name) | fates
    return Plan(folder=str(folder), user=f"user-{name}", model=fresh("alone"), calls=calls, **laid_out)


def until_the_month_ends() -> float:
    now = datetime.now(UTC)
    first = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
    return (first - now).total_seconds()


def run(scenarios: Sequence[Scenario], calls: int, console: Console) -> Iterator[tuple[Scenario, Outcome]]:
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
            yield scenario, outcome


def _one(platform: Platform, strict: Strict, scenario: Scenario, plan: Plan, console: Console) -> Outcome:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task(scenario.name, total=plan.calls)

        def show(counts: Counter[str]) -> None:
            progress.update(task, completed=counts["begun"])

        return race.run(platform, strict, plan, {} if scenario.quiet else STORMY, show)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.races", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="the races whose names begin like this; nothing is written then")
    parser.add_argument("--calls", type=int, default=300)
    arguments = parser.parse_args()
    console = Console(highlight=False, width=200)
    chosen = [scenario for scenario in SCENARIOS if scenario.name.startswith(arguments.only)]
    stormy: list[page.Result] = []
    quiet: list[page.Result] = []
    for scenario, outcome in run(chosen, arguments.calls, console):
        (quiet if scenario.quiet else stormy).append((scenario.name, outcome))
        console.print(" | ".join([scenario.name, *page.figures(outcome)]))
        if not arguments.only:
            page.write(stormy, quiet)
    console.print(page.tabled([*stormy, *quiet]))
    return 1 if any(outcome.trial.violations for _, outcome in [*stormy, *quiet]) else 0


if __name__ == "__main__":
    sys.exit(main())
