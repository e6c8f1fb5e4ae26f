"""`make pricing-check`: prices that nobody has looked at for too long, or that are wrong, let no build pass.

A price is older than 90 days, has no day or one to come, differs from genai-prices beyond the reviewed list, or is of a
model that has ended: the build fails and says what to do. What will come to that is told beforehand.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from rich.console import Console

from gates import independent
from llm_core import routing
from llm_core.catalog import PACKAGE, Catalog, Model
from llm_core.errors import Misconfigured
from llm_core.freshness import LONGEST_DAYS, days, ended, ending

AWS_PRICES = Path(__file__).parents[1] / "bench/aws_prices.json"
AWS_DAYS = 365
"""So old may a list price of AWS be that docs/cost.md counts with; they move seldom, and nobody is charged by them."""

SOON_DAYS = 14
"""So long before prices are too old, the gate begins to say so."""

RECHECK = "`make pricing-update` compares all rows with a newer list and writes what a person needs not decide"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong (`fails`), or will be, and what to do about it."""

    what: str
    do: str
    fails: bool = True


def findings(catalog: Catalog, today: date) -> list[Finding]:
    """Everything that this catalog must be refused for on this day, and what it will be refused for soon."""
    return [*_days(catalog.models, today), *_ends(catalog, today), *_differences(catalog.models, today)]


def _days(models: Sequence[Model], today: date) -> Iterator[Finding]:
    by_day: dict[date | None, list[Model]] = {}
    for model in models:
        by_day.setdefault(model.checked_on, []).append(model)
    for day, rows in by_day.items():
        if day is None:
            yield Finding(f"{_named(rows)}: no `checked_on`", "Look its price up and write down the day you did.")
        elif day > today:
            yield Finding(f"{_named(rows)}: checked on {day}, which is still to come", "Write the day it was checked.")
        elif (old := days(day, today)) > LONGEST_DAYS - SOON_DAYS:
            what = f"{_named(rows)}: checked on {day}, {old} days ago; after {LONGEST_DAYS} no build passes"
            do = f"{RECHECK}; or compare with the provider's own page and set `checked_on`."
            yield Finding(what, do, fails=old > LONGEST_DAYS)


def _ends(catalog: Catalog, today: date) -> Iterator[Finding]:
    for model in ended(catalog.models, today):
        do = f"Remove its row and name a successor: an alias {model.model!r} keeps its callers served."
        yield Finding(f"{model.name}: ended on {model.shutdown}{_reached(model, catalog)}", do)
    for model in ending(catalog.models, today):
        left = days(today, model.shutdown or today)
        what = f"{model.name}: ends on {model.shutdown}, in {left} days{_reached(model, catalog)}"
        yield Finding(what, "Choose its successor; from the day after, no build passes with this row.", fails=False)


def _differences(models: Sequence[Model], today: date) -> Iterator[Finding]:
    for model in models:
        if (first := next(independent.differences(model, today), None)) is not None:
            do = "Find out who is right. `make pricing-update` takes over theirs; if ours is, say why in"
            yield Finding(f"{model.name}: {first}", f"{do} gates/independent.py, `differs`.")


def of_aws(today: date, path: Path = AWS_PRICES) -> Iterator[Finding]:
    """What docs/cost.md counts with."""
    for name, row in json.loads(path.read_text())["prices"].items():
        if (age := days(date.fromisoformat(row["checked_on"]), today)) > AWS_DAYS:
            do = f"Look at {row['source']}, correct bench/aws_prices.json, `make bench-cost`."
            yield Finding(f"{name} of AWS: checked {age} days ago", do)


def _reached(model: Model, catalog: Catalog) -> str:
    """Other names that stop working with it: what a role, an alias or a route leads to first."""
    names = [*catalog.roles, *catalog.aliases, *catalog.routes]
    led = [name for name in names if routing.resolve(name, catalog).candidates[0] == model]
    return f" (reached as {', '.join(led)})" if led else ""


def _named(models: Sequence[Model]) -> str:
    names = ", ".join(model.name for model in models[:3])
    return f"{names} and {len(models) - 3} more" if len(models) > 3 else names


def report(found: Sequence[Finding], catalog: Catalog, today: date, console: Console) -> bool:
    """On the screen; True when the build may pass."""
    for each in sorted(found, key=lambda finding: finding.fails):
        mark = "[red]fails[/red]" if each.fails else "[yellow]warns[/yellow]"
        console.print(f"{mark} {each.what}.\n      {each.do}", soft_wrap=True, highlight=False)
    wrong = sum(each.fails for each in found)
    verdict = f"[red]{wrong} to mend[/red]" if wrong else "[green]fit to be charged[/green]"
    console.print(
        f"{len(catalog.models)} prices on {today}, against genai-prices {independent.VERSION}: {verdict}",
        highlight=False,
        soft_wrap=True,
    )
    return not wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="make pricing-check")
    parser.add_argument("--today", type=date.fromisoformat, default=datetime.now(UTC).date(), help="2027-02-18")
    parser.add_argument("--catalog", type=Path, default=PACKAGE)
    asked = parser.parse_args()
    console = Console()
    try:
        catalog = Catalog(asked.catalog.read_bytes())
    except Misconfigured as error:
        console.print(f"[red]fails[/red] {error.message}", soft_wrap=True)
        return 1
    found = [*findings(catalog, asked.today), *of_aws(asked.today)]
    return 0 if report(found, catalog, asked.today, console) else 1


if __name__ == "__main__":
    sys.exit(main())
