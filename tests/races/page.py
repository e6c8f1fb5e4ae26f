"""What races have shown, as a table on the screen and as docs/benchmarks/races.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.table import Table

from tests.conftest import ROOT
from tests.races.dynamodb import FATES
from tests.races.race import Outcome

DOCUMENT = ROOT / "docs/benchmarks/races.md"
UNITS_PER_S = 1_000
"""Write units that DynamoDB lets one item take."""

Result = tuple[str, Outcome]

COLUMNS = (
    *("calls", "admitted", "answered", "refused", "failed", "left", "killed", "frozen", "swept", "moves", "conflicts"),
    *("injected faults", "calls/s", "violations"),
)

HOW = """\
Four processes with four threads each call the real chat door, over a server that behaves as DynamoDB does where the
emulator is lax: overlapping transactions are cancelled, an item takes 1,000 write units a second, and one request in
seven is throttled, cut off before or after it was carried out, answered late or carried out late. A fifth of the calls
is killed (-9) while under way, some callers stand still beyond their leases and go on, limits move up and down around
what is spent, the window's item is missing at first, clocks differ. The sweeper runs, and is killed, too. Who judges
reads every version of every window from the table's stream, the usage rows, and the account of the provider's stand-in.

A violation would be: a call admitted beyond a limit, in a shard or in all together; a window that does not add up;
anything held, or remembered, after the last sweep; an account that spent anything but the sum of its rows, call by
call; an answered call not booked as it was sold; any call for which not sold <= booked <= held.
"""

COLUMNS_EXPLAINED = """\
Admitted: held on every account, and a provider sold an answer. Refused: 402 or 429. Failed: another error, because of
the tables; nothing, or at the most what was held, is booked. Left: those of the failed whom the tables let neither give
back their holds nor say that nobody was asked: what they held is booked, as for the dead. Killed: never ended.
Swept: finished by the sweeper, for callers that were killed or stood still, as far as it lived to say so. Conflicts:
writes that met a transaction.
A race with few refusals was seldom at its edge, one with few moves had its limits changed as seldom.
"""

PACE = """\
## How many calls one shared account sustains

The same callers when nobody dies and nothing fails, eight keys under one team whose limit is far away. Units: what the
item that is written most took for each call. An item takes 1,000 a second on AWS, so no more calls than the last column
tells can pass through the account there.
"""


def figures(outcome: Outcome) -> list[str]:
    """In the order of COLUMNS."""
    told = outcome.faults
    conflicts = told.get("TransactionCanceledException", 0) + told.get("TransactionConflictException", 0)
    numbers = [outcome.plan.calls, outcome.admitted, outcome.answered, outcome.refused, outcome.failed]
    numbers += [outcome.left, outcome.killed]
    numbers += [outcome.frozen, outcome.swept, outcome.moved, conflicts, sum(told.get(fate, 0) for fate in FATES)]
    return [*(f"{number:,}" for number in numbers), f"{outcome.pace:.0f}", str(len(outcome.trial.violations))]


def tabled(results: Sequence[Result]) -> Table:
    table = Table(title="Races at a budget's edge", title_justify="left")
    table.add_column("")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for name, outcome in results:
        colour = "red" if outcome.trial.violations else "green"
        *cells, violations = figures(outcome)
        table.add_row(name, *cells, f"[{colour}]{violations}[/{colour}]")
    return table


def write(stormy: Sequence[Result], quiet: Sequence[Result]) -> None:
    """The document, of the races that have been run so far."""
    DOCUMENT.write_text("\n".join([*_of_races(stormy), *_of_pace(quiet)]))


def _of_races(results: Sequence[Result]) -> list[str]:
    calls = sum(outcome.plan.calls for _, outcome in results)
    violations = sum(len(outcome.trial.violations) for _, outcome in results)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return [
        "# Races at a budget's edge",
        "",
        f"Written by `make races` on {datetime.now(UTC):%Y-%m-%d} ({machine}, the local AWS):",
        f"{calls:,} calls in {len(results)} races, **{violations} violations**.",
        "",
        HOW,
        f"| accounts | {' | '.join(COLUMNS)} |",
        f"|---|{'---:|' * len(COLUMNS)}",
        *(f"| {name} | {' | '.join(figures(outcome))} |" for name, outcome in results),
        "",
        COLUMNS_EXPLAINED,
    ]


def _of_pace(results: Sequence[Result]) -> list[str]:
    if not results:
        return []
    return [
        PACE,
        "| account | calls | calls/s here | violations | units a call, busiest item | calls/s by DynamoDB's rule |",
        "|---|---:|---:|---:|---:|---:|",
        *(_pace(name, outcome) for name, outcome in results),
        "",
        "What limits the pace here is this machine: its cores run the callers, the emulator and both stand-ins",
        f"(load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores at the end).",
        "",
    ]


def _pace(name: str, outcome: Outcome) -> str:
    units = outcome.busiest / outcome.plan.calls
    cells = [f"{outcome.plan.calls:,}", f"{outcome.pace:.0f}", str(len(outcome.trial.violations)), f"{units:.1f}"]
    return f"| {name.removeprefix('quiet: ')} | {' | '.join(cells)} | {UNITS_PER_S / units:.0f} |"
