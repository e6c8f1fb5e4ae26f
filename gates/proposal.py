"""`make pricing-update`: the catalog's rows as genai-prices would have them, shown, and with APPLY=1 written.

A price that moves more than tenfold, or to or from nothing, is held back for a person. A row gets a new day only when
it was compared with a newer list than the one it names as its source: the same list again has nothing new to say.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console

from gates import independent
from llm_core.catalog import PACKAGE, Catalog, Model

MOST = 10
"""A price that moves by more than this factor is more likely a slip than a price."""

THEIR_FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_write_5m": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "cache_read": "cache_read_mtok",
}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Move:
    """One price, USD per million tokens; None: there is none. `above` is its tier's mark, 0 without one."""

    field: str
    above: int
    before: Decimal | None
    after: Decimal | None

    @property
    def suspicious(self) -> bool:
        if not self.before or not self.after:
            return True
        return not self.before / MOST <= self.after <= self.before * MOST

    def __str__(self) -> str:
        mark = f" above {self.above:,}" if self.above else ""
        return f"{self.field}{mark} {self.before if self.before is not None else '-'} -> {self.after or '-'}"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What genai-prices would change in a row: `moves` may be taken over, `held` are for a person."""

    model: Model
    moves: tuple[Move, ...] = ()
    held: tuple[Move, ...] = ()
    unknown: str = ""
    newer: bool = field(default=False)

    @property
    def dated(self) -> bool:
        """Whether the row deserves a new day: all of it agrees now with a list that nobody had compared it with."""
        return self.newer and not self.held and not self.unknown


def propose(model: Model, today: date, listed: str = independent.VERSION) -> Proposal:
    """`listed` is the version of genai-prices that is asked."""
    try:
        rates = independent.rates(model, today)
    except LookupError as error:
        return Proposal(model, unknown=str(error))
    moves = [move for move in _moves(model, rates) if move.before != move.after]
    if any(_marks(rates)) and sorted({*_marks(rates)}) != sorted(tier.above for tier in model.tiers):
        return Proposal(model, unknown="its tiers have other marks there: write them by hand")
    return Proposal(
        model,
        moves=tuple(move for move in moves if not move.suspicious),
        held=tuple(move for move in moves if move.suspicious),
        newer=f"genai-prices {listed} " not in model.source,
    )


def _moves(model: Model, rates: Any) -> Iterator[Move]:
    for ours, name in THEIR_FIELDS.items():
        rate = getattr(rates, name, None)
        if rate is None and ours not in ("input", "output"):
            continue  # they list none; that is no price of 0
        yield Move(ours, 0, getattr(model, ours), _base(rate))
        for tier in model.tiers:
            yield Move(ours, tier.above, getattr(tier, ours), _above(rate, tier.above))


def _base(rate: Any) -> Decimal:
    return Decimal(getattr(rate, "base", rate) or 0)


def _above(rate: Any, mark: int) -> Decimal:
    passed = [tier.price for tier in getattr(rate, "tiers", ()) if tier.start <= mark]
    return Decimal(passed[-1]) if passed else _base(rate)


def _marks(rates: Any) -> Iterator[int]:
    for name in THEIR_FIELDS.values():
        yield from (tier.start for tier in getattr(getattr(rates, name, None), "tiers", ()))


def applied(text: str, proposals: list[Proposal], today: date, listed: str = independent.VERSION) -> str:
    """The catalog's text with what may be taken over; every line that nothing changes stays as it is."""
    by_name = {proposal.model.name: proposal for proposal in proposals if proposal.moves or proposal.dated}
    lines = text.splitlines(keepends=True)
    for place, line in enumerate(lines):
        if not line.lstrip().startswith('{"provider"'):
            continue
        row: Row = json.loads(line.strip().rstrip(","))
        proposal = by_name.get(f"{row['provider']}/{row['model']}")
        if proposal is not None:
            changed = json.dumps(_written(row, proposal, today, listed))
            lines[place] = line.replace(line.strip().rstrip(","), changed)
    return "".join(lines)


def _written(row: Row, proposal: Proposal, today: date, listed: str) -> Row:
    for move in proposal.moves:
        place = next(tier for tier in row["tiers"] if tier["above"] == move.above) if move.above else row
        place[move.field] = _number(move.after)
    if proposal.dated:
        row["source"] = re.sub(r"genai-prices \S+", f"genai-prices {listed}", row["source"])
        row["checked_on"] = today.isoformat()
    return row


def _number(price: Decimal | None) -> int | float:
    exact = Decimal(price or 0)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def report(proposals: list[Proposal], console: Console) -> None:
    for each in proposals:
        for move in each.moves:
            console.print(f"[green]takes[/green] {each.model.name}: {move}", highlight=False, soft_wrap=True)
        for move in each.held:
            why = "more than tenfold, or to or from nothing: a person decides"
            console.print(f"[yellow]holds[/yellow] {each.model.name}: {move} ({why})", highlight=False, soft_wrap=True)
        if each.unknown:
            console.print(f"[yellow]holds[/yellow] {each.model.name}: {each.unknown}", highlight=False, soft_wrap=True)
    dated = sum(each.dated for each in proposals)
    console.print(f"{dated} of {len(proposals)} rows agree, then, with genai-prices {independent.VERSION}", end="")
    console.print("." if dated else ", which is the list they name already: `make lock UPGRADE=1` brings a newer one.")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make pricing-update")
    parser.add_argument("--today", type=date.fromisoformat, default=datetime.now(UTC).date())
    parser.add_argument("--catalog", type=Path, default=PACKAGE)
    parser.add_argument("--apply", action="store_true", help="write what needs no person")
    asked = parser.parse_args()
    text = asked.catalog.read_text()
    proposals = [propose(model, asked.today) for model in Catalog(text.encode()).models]
    report(proposals, Console())
    if asked.apply:
        asked.catalog.write_text(applied(text, proposals, asked.today))
        Console().print(f"Written. Look at it: git diff {asked.catalog.name}; then `make pricing-check`.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
