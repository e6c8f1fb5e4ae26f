"""What a month will have cost, judged by its days so far and the four weeks before today.

    projected = spent so far + today's cost x the part of today that is left + the cost of each day after it

A day is expected to cost the mean of the same weekday among the last 28 whole days, beginning with the first on which
anything was spent; where they have no such weekday, their mean; where there are none, what today costs at its pace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

BASIS_DAYS = 28

_DAY = timedelta(days=1)
_LEAST_ELAPSED = Fraction(1, 24)
"""Of a first day: what was spent in its first minutes says little about a whole one."""


@dataclass(frozen=True, slots=True)
class Projection:
    """nano-USD. `basis_days` is how many whole days it rests on."""

    month: str
    spent: int
    projected: int
    basis_days: int


def since(today: date) -> date:
    """The first day whose spending a projection wants to know."""
    return min(today.replace(day=1), today - BASIS_DAYS * _DAY)


def project(spent: Mapping[date, int], now: datetime) -> Projection:
    """`spent` is nano-USD by day (UTC), from `since` on; a day that is missing cost nothing."""
    now = now.astimezone(UTC)
    today = now.date()
    month_so_far = sum(amount for day, amount in spent.items() if (day.year, day.month) == (today.year, today.month))
    elapsed = Fraction((now.hour * 60 + now.minute) * 60 + now.second, 86_400)
    basis = _basis(spent, today)
    pace = Fraction(spent.get(today, 0)) / max(elapsed, _LEAST_ELAPSED)
    rest = (1 - elapsed) * _expected(today, spent, basis, pace)
    day = today + _DAY
    while day.month == today.month:
        rest += _expected(day, spent, basis, pace)
        day += _DAY
    return Projection(f"{today:%Y-%m}", month_so_far, month_so_far + round(rest), len(basis))


def _basis(spent: Mapping[date, int], today: date) -> list[date]:
    whole = [today - back * _DAY for back in range(BASIS_DAYS, 0, -1)]
    used = [number for number, day in enumerate(whole) if spent.get(day)]
    return whole[used[0] :] if used else []


def _expected(day: date, spent: Mapping[date, int], basis: list[date], pace: Fraction) -> Fraction:
    alike = [each for each in basis if each.weekday() == day.weekday()] or basis
    return Fraction(sum(spent.get(each, 0) for each in alike), len(alike)) if alike else pace
