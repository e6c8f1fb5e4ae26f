"""`make reconcile FILE=`: the ledger beside a provider's own account of the same days, model by model.

Reads the CSV that OpenAI's and Anthropic's consoles export as usage, by model and day (UTC). What a caller paid with a
key of its own is in that caller's account, and cached answers were bought once, so neither is counted here.
"""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from local.project import CannotStart

Day = tuple[str, str]
"""A day (2026-11-28) and a model, without the date of its version."""

_DATED = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2})$")


@dataclass(frozen=True)
class Account:
    """What a provider says: tokens by kind, for each day and model."""

    provider: str
    used: Mapping[Day, Counter[str]]

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last of it."""
        found = sorted(day for day, _ in self.used)
        return date.fromisoformat(found[0]), date.fromisoformat(found[-1])


@dataclass(frozen=True)
class _Form:
    """How one provider's columns are called: `kinds` names them by what they count, `ours` adds up a row's tokens."""

    provider: str
    model: str
    day: Callable[[Mapping[str, str]], str]
    kinds: Mapping[str, str]
    ours: Callable[[Mapping[str, int]], Mapping[str, int]]


def _of_openai(tokens: Mapping[str, int]) -> Mapping[str, int]:
    """OpenAI's input includes what was written to and read from its cache."""
    cached = tokens["cache_read"]
    whole = tokens["input"] + tokens["cache_write_5m"] + tokens["cache_write_1h"] + cached
    return {"input": whole, "cached": cached, "output": tokens["output"]}


_ANTHROPIC = {
    "input": "usage_input_tokens_no_cache",
    "cache_write_5m": "usage_input_tokens_cache_write_5m",
    "cache_write_1h": "usage_input_tokens_cache_write_1h",
    "cache_read": "usage_input_tokens_cache_read",
    "output": "usage_output_tokens",
}
_FORMS = (
    _Form(
        "anthropic",
        "model_version",
        lambda row: row["usage_date_utc"][:10],
        _ANTHROPIC,
        lambda tokens: {kind: tokens[kind] for kind in _ANTHROPIC},
    ),
    _Form(
        "openai",
        "model",
        lambda row: datetime.fromtimestamp(int(row["start_time"]), UTC).date().isoformat(),
        {"input": "input_tokens", "cached": "input_cached_tokens", "output": "output_tokens"},
        _of_openai,
    ),
)


def read(path: Path) -> tuple[Account, _Form]:
    """The provider's account. Raises CannotStart for a file that is neither's, or says nothing."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise CannotStart(f"{path} cannot be read: {error.strerror}") from None
    form = next((form for form in _FORMS if rows and {form.model, *form.kinds.values()} <= rows[0].keys()), None)
    if form is None:
        raise CannotStart(f"{path} is no usage export of Anthropic or OpenAI with a row in it, by model and day.")
    used: dict[Day, Counter[str]] = defaultdict(Counter)
    for number, row in enumerate(rows, start=2):
        if not row[form.model]:  # a day on which nothing was used
            continue
        try:
            counted = {kind: int(row[column] or 0) for kind, column in form.kinds.items()}
            used[form.day(row), _plain(row[form.model])].update(counted)
        except (KeyError, ValueError) as error:
            raise CannotStart(f"{path}, line {number}: {error}") from None
    if not used:
        raise CannotStart(f"{path} says that nothing was used.")
    return Account(form.provider, used), form


def booked(rows: Iterable[Mapping[str, Any]], form: _Form, days: tuple[date, date]) -> dict[Day, Counter[str]]:
    """What the ledger's rows say of that provider in these days; `estimated` counts rows whose end nobody saw."""
    found: dict[Day, Counter[str]] = defaultdict(Counter)
    for row in rows:
        day = datetime.fromtimestamp(int(row["timestamp"]) / 1000, UTC).date()
        ours = row["provider"] == form.provider and not (row["byok"] or row["cached"])
        if ours and days[0] <= day <= days[1]:
            tokens = Counter({name: int(count) for name, count in row["tokens"].items()})
            line = found[day.isoformat(), _plain(row["model"])]
            line.update(form.ours(tokens))
            line["estimated"] += bool(row["estimated"])
    return found


def compare(account: Account, ledger: Mapping[Day, Counter[str]], form: _Form) -> int:
    """Print what differs, day by day and model by model; how many lines do."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("day", "model", "kind", account.provider, "ledger", "difference", "ends unseen"):
        table.add_column(name, justify="left" if name in ("day", "model", "kind") else "right", no_wrap=True)
    differing = 0
    for day, model in sorted(account.used.keys() | ledger.keys()):
        theirs, ours = account.used.get((day, model), Counter()), ledger.get((day, model), Counter())
        for kind in form.kinds:
            if theirs[kind] != ours[kind]:
                differing += 1
                cells = (theirs[kind], ours[kind], ours[kind] - theirs[kind], ours["estimated"])
                table.add_row(day, model, kind, *(f"{cell:,}" for cell in cells))
    first, last = account.days
    console = Console(highlight=False)
    if differing:
        console.print(table)
    whole = sum((Counter({k: n[k] for k in form.kinds}) for n in account.used.values()), Counter())
    told = ", ".join(f"{kind} {whole[kind]:,}" for kind in form.kinds)
    console.print(f"{account.provider}, {first} to {last}: {told} tokens; {differing or 'no'} differences.")
    return differing


def _plain(model: str) -> str:
    return _DATED.sub("", model)
