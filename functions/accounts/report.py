"""What GET /v1/usage asks for, and its answer as JSON or as a table for a spreadsheet."""

from __future__ import annotations

import csv as spreadsheet
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from io import StringIO
from typing import Any, Literal, cast

from llm_core.errors import InvalidRequest
from llm_core.money import plain, usd
from llm_core.roll_ups import projection, sums
from llm_core.roll_ups.contribution import BUCKETS
from llm_core.roll_ups.projection import Projection
from llm_core.roll_ups.sums import Sums

BY = ("day", "hour", "model", "provider", "key", "outcome", "operation")
MOST_DAYS = {"day": 400, "hour": 31}
MOST_GROUPS = 10_000
"""So many make four of the six megabytes that Lambda answers with."""

_PARAMETERS = ("from", "to", "by", "key", "format")
_FORMATS = ("json", "csv")
_COUNTED = ("calls", "attempts", *BUCKETS, "estimated", "cached", "byok", "byokTokens")
_OBEYED = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Both days are included."""

    first: date
    last: date
    by: tuple[str, ...]
    key: str | None
    format: Literal["json", "csv"]

    @property
    def period(self) -> sums.Period:
        return "hour" if "hour" in self.by else "day"


@dataclass(frozen=True, slots=True)
class Report:
    asked: Asked
    groups: dict[tuple[str, ...], Sums]
    projection: Projection | None


def read(given: Mapping[str, str], today: date, *, of_all: bool = False) -> Asked:
    """The query of a request; without dates this month so far, by day. `of_all`: of all users, whose keys are not told.

    Raises InvalidRequest, naming the parameter.
    """
    names = tuple("user" if of_all and name == "key" else name for name in BY)
    if unknown := sorted(given.keys() - set(_PARAMETERS)):
        raise InvalidRequest(
            f"Unknown parameter {unknown[0][:60]!r}. There are: {', '.join(_PARAMETERS)}.", param=unknown[0][:60]
        )
    last = _day(given, "to") or today
    first = _day(given, "from") or last.replace(day=1)
    by = tuple(given.get("by", "day").split(","))
    if wrong := [name for name in by if name not in names]:
        raise InvalidRequest(f"by: {wrong[0][:60]!r} is none of {', '.join(names)}.", param="by")
    if len(set(by)) < len(by) or {"day", "hour"} <= set(by):
        raise InvalidRequest("by: name each once, and either day or hour.", param="by")
    if first > last:
        raise InvalidRequest(f"from: {first} is after {last}, the last day asked for.", param="from")
    most = MOST_DAYS["hour" if "hour" in by else "day"]
    if (last - first).days >= most:
        raise InvalidRequest(
            f"from: by {'hour' if 'hour' in by else 'day'} at most {most} days are told.", param="from"
        )
    form = given.get("format", "json")
    if form not in _FORMATS:
        raise InvalidRequest(f"format: {form[:60]!r} is none of {', '.join(_FORMATS)}.", param="format")
    return Asked(first, last, by, given.get("key") or None, cast(Literal["json", "csv"], form))


def _day(given: Mapping[str, str], name: str) -> date | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        if len(text) == len("2026-11-21"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidRequest(f"{name}: {text[:60]!r} is no day such as 2026-11-21 (UTC).", param=name)


def make(asked: Asked, scope: str, now: datetime, seen: Collection[str] | None = None) -> Report:
    """From the roll-ups, of the keys that are `seen`, None for all; a projection when today is among the days.

    Raises InvalidRequest, StoreUnavailable.
    """
    who = seen if asked.key is None else {asked.key} & set({asked.key} if seen is None else seen)
    groups = sums.grouped(sums.cells(scope, asked.period, asked.first, asked.last, who=who), asked.by)
    if len(groups) > MOST_GROUPS:
        words = f"This has {len(groups)} groups, at most {MOST_GROUPS} are told. Ask for less time, or by less."
        raise InvalidRequest(words, param="by")
    today = now.date()
    return Report(asked, groups, _projection(who, scope, now) if asked.first <= today <= asked.last else None)


def _projection(who: Collection[str] | None, scope: str, now: datetime) -> Projection:
    spent: Counter[date] = Counter()
    for cell in sums.cells(scope, "day", projection.since(now.date()), now.date(), who=who):
        spent[date.fromisoformat(cell.labels["day"])] += cell.counters.get("charged", 0)
    return projection.project(spent, now)


def shown(report: Report) -> dict[str, Any]:
    """As JSON: money in USD."""
    asked, ahead = report.asked, report.projection
    return {
        "from": asked.first.isoformat(),
        "to": asked.last.isoformat(),
        "by": list(asked.by),
        "key": asked.key,
        "data": [dict(zip(asked.by, group, strict=True)) | found.shown() for group, found in report.groups.items()],
        "total": sums.total(report.groups.values()).shown(),
        "projection": ahead
        and {
            "month": ahead.month,
            "spent": float(usd(ahead.spent)),
            "projected": float(usd(ahead.projected)),
            "basis_days": ahead.basis_days,
        },
    }


def csv(report: Report) -> str:
    """One line a group under a line of names; money as plain decimals of USD. No cell is a formula."""
    text = StringIO()
    table = spreadsheet.writer(text)
    table.writerow([*report.asked.by, *_COUNTED, "cost", "charged", "p50_ms", "p95_ms"])
    for group, found in report.groups.items():
        counted = [found[name] for name in _COUNTED]
        money = [plain(found["cost"]), plain(found["charged"])]
        table.writerow([*map(_harmless, group), *counted, *money, found.latency(50), found.latency(95)])
    return text.getvalue()


def _harmless(word: str) -> str:
    """Text, whatever it begins with."""
    return f"'{word}" if word.startswith(_OBEYED) else word
