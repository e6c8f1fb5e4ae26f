"""One account in one window: its name, its end, and how long it is kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from llm_core.accounts import window
from llm_core.accounts.window import Window

PLACE = Window("team:w", "2026-11")


@pytest.mark.parametrize(
    ("moment", "month", "day"),
    [
        (datetime(2026, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC), "2026-11", "2026-11-30"),
        (datetime(2026, 12, 1, tzinfo=UTC), "2026-12", "2026-12-01"),
        (datetime(2027, 1, 1, tzinfo=UTC), "2027-01", "2027-01-01"),
    ],
)
def test_a_window_turns_at_midnight_of_utc(moment: datetime, month: str, day: str) -> None:
    at = moment.timestamp()
    assert (window.label("month", at), window.label("day", at), window.label("total", at)) == (month, day, "total")


@pytest.mark.parametrize(
    ("label", "end"),
    [
        ("2026-11", datetime(2026, 12, 1, tzinfo=UTC)),
        ("2026-12", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-02", datetime(2027, 3, 1, tzinfo=UTC)),
        ("2028-02-28", datetime(2028, 2, 29, tzinfo=UTC)),
        ("2026-12-31", datetime(2027, 1, 1, tzinfo=UTC)),
        ("total", None),
    ],
)
def test_a_window_ends_where_the_next_begins(label: str, end: datetime | None) -> None:
    assert Window("team:w", label).end == end


@pytest.mark.parametrize("place", [PLACE, Window("user:ada@b.c", "2026-11-20", 3), Window("run:r-1", "total")])
def test_a_windows_name_tells_the_window(place: Window) -> None:
    assert window.parsed(place.name) == place


@pytest.mark.parametrize(("label", "days"), [("2026-11", 400), ("2026-11-20", 40)])
def test_a_past_window_is_kept_for_a_while(label: str, days: int) -> None:
    place = Window("team:w", label)
    assert place.end is not None
    assert place.item(1)["ttl"] == place.end.timestamp() + days * 86_400


def test_a_total_is_kept_for_ever_for_a_new_one_would_begin_with_nothing_spent() -> None:
    assert "ttl" not in Window("run:r-1", "total").item(1)
