"""What the month will have cost: by weekday, not by the mean of all days, and never less than was spent."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_core.roll_ups.projection import project, since

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)  # a Wednesday; November has 30 days
WORKDAY, WEEKEND = 1_000, 100


def week(first: date, last: date) -> dict[date, int]:
    """Spending by day where people work from Monday to Friday."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return {day: WORKDAY if day.weekday() < 5 else WEEKEND for day in days}


def test_weekends_are_expected_to_cost_what_weekends_cost() -> None:
    spent = week(since(NOON.date()), date(2026, 11, 17)) | {NOON.date(): WORKDAY // 2}
    found = project(spent, NOON)
    so_far = 12 * WORKDAY + 5 * WEEKEND + WORKDAY // 2
    left = WORKDAY // 2 + 8 * WORKDAY + 4 * WEEKEND
    assert (found.month, found.spent, found.basis_days) == ("2026-11", so_far, 28)
    assert found.projected == so_far + left
    assert found.projected != so_far * 30 // 18, "not the mean of all days, thirty times"


def test_an_account_of_three_days_is_judged_by_those_three() -> None:
    days = {date(2026, 11, 15): 300, date(2026, 11, 16): 0, date(2026, 11, 17): 600}
    found = project(days, NOON)
    # Half of Wednesday and twelve more days: two Sundays, two Mondays, a Tuesday, and seven that cost the mean.
    assert found.basis_days == 3
    assert found.projected == 900 + 150 + 2 * 300 + 2 * 0 + 600 + 7 * 300


def test_a_first_day_goes_on_at_its_pace() -> None:
    found = project({NOON.date(): 500}, NOON)
    assert (found.spent, found.projected, found.basis_days) == (500, 500 + 500 + 12 * 1_000, 0)


def test_the_first_minute_of_a_first_day_is_taken_for_an_hour() -> None:
    at_once = datetime(2026, 11, 30, 0, 1, tzinfo=UTC)
    assert project({at_once.date(): 60}, at_once).projected <= 24 * 60 + 60


def test_nothing_spent_is_nothing_expected() -> None:
    assert project({}, NOON).projected == 0


def test_yesterdays_month_is_a_basis_and_not_spent_in_this_one() -> None:
    first = datetime(2026, 12, 1, tzinfo=UTC)
    found = project(week(date(2026, 11, 3), date(2026, 11, 30)), first)
    assert found.spent == 0
    assert found.projected == 23 * WORKDAY + 8 * WEEKEND


def test_the_last_second_of_a_month_is_what_was_spent() -> None:
    last = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    spent = week(date(2026, 11, 1), last.date())
    found = project(spent, last)
    assert found.projected == pytest.approx(found.spent, abs=1)


@given(
    st.integers(0, 10**12),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_whoever_spends_the_same_every_day_will_have_spent_it_every_day(daily: int, now: datetime) -> None:
    now = now.replace(microsecond=0)
    today = now.date()
    days = [since(today) + timedelta(days=n) for n in range((today - since(today)).days)]
    elapsed = (now - now.replace(hour=0, minute=0, second=0)).seconds
    spent = dict.fromkeys(days, daily) | {today: daily * elapsed // 86_400}
    month_end = (today.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    assert abs(project(spent, now).projected - daily * month_end.day) <= 1
