"""How old the prices are and which models end: what a build is refused for, and what a stage tells as metrics."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from llm_core.catalog import Model

LONGEST_DAYS = 90
"""A price that was looked at longer ago than this is no price any more."""

NOTICE_DAYS = 60
"""So long before a model ends somebody is told."""


def age(models: Iterable[Model], today: date) -> int:
    """Days since the price that was checked longest ago. A row that says no day, as an overlay's may, has no age."""
    return max((days(model.checked_on, today) for model in models if model.checked_on), default=0)


def ended(models: Iterable[Model], today: date) -> tuple[Model, ...]:
    """Those whose last day is over."""
    return tuple(model for model in models if model.shutdown and model.shutdown < today)


def ending(models: Iterable[Model], today: date) -> tuple[Model, ...]:
    """Those whose last day is today or within NOTICE_DAYS, the nearest first."""
    near = [m for m in models if m.shutdown and 0 <= days(today, m.shutdown) <= NOTICE_DAYS]
    return tuple(sorted(near, key=lambda model: model.shutdown or today))


def days(since: date, until: date) -> int:
    return (until - since).days
