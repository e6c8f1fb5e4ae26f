"""Reading the sums costs what the days cost, not what was written on them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from llm_core.aws import clients
from llm_core.deadline import Deadline
from llm_core.roll_ups import sums
from llm_core.roll_ups.counting import Fact, count
from llm_core.roll_ups.sums import Sums
from tests.conftest import Platform
from tests.llm_core.roll_ups.rows import HAIKU, SONNET, Row, fresh_day, row

KEYS = ("sk-proj-aaaaaaaaaaaa", "sk-proj-bbbbbbbbbbbb")


def counted(*rows: Row) -> None:
    count(map(Fact.of, rows), Deadline.after(20))


def reads() -> list[tuple[str, int]]:
    """Each request from now on: its table, and how many items it read."""
    found: list[tuple[str, int]] = []
    tables: list[str] = []
    events = clients.dynamodb().meta.events
    events.register("provide-client-params.dynamodb.*", lambda params, **_: tables.append(params["TableName"]))
    events.register("after-call.dynamodb.*", lambda parsed, **_: found.append((tables[-1], parsed["ScannedCount"])))
    return found


def busy(user: str, first: date, days: int, daily: int) -> list[Row]:
    """So many rows a day, of two keys and two models."""
    return [
        row(
            first + timedelta(days=day),
            second=n * 80_000 / daily,
            userId=user,
            keyId=KEYS[n % 2],
            model=(HAIKU, SONNET)[n // 2 % 2],
        )
        for day in range(days)
        for n in range(daily)
    ]


def test_ten_times_the_rows_are_no_more_to_read(inside: Platform) -> None:
    first = date(2100, 1, 1)
    quiet, crowded = f"quiet-{fresh_day()}", f"crowded-{fresh_day()}"
    counted(*busy(quiet, first, 5, 8))
    counted(*busy(crowded, first, 5, 80))
    read = reads()
    last = first + timedelta(days=4)
    for user, daily in ((quiet, 8), (crowded, 80)):
        groups = sums.grouped(sums.cells(f"user:{user}", "day", first, last), ("day",))
        assert [group["calls"] for group in groups.values()] == [daily] * 5
    name = inside.environment["ROLL_UPS_TABLE_NAME"]
    assert read == [(name, 5 * 4), (name, 5 * 4)], "a cell a day, key and model; and never a row"


def test_a_question_reads_the_days_it_asks_for_and_no_others(inside: Platform) -> None:
    first, user = date(2100, 1, 1), f"steady-{fresh_day()}"
    counted(*busy(user, first, 10, 4))
    read = reads()
    days = (first + timedelta(days=3), first + timedelta(days=5))
    assert len(sums.grouped(sums.cells(f"user:{user}", "day", *days), ("day",))) == 3
    assert [items for _, items in read] == [3 * 4]


@pytest.mark.parametrize("by", [(), ("outcome",), ("model", "day")])
def test_groups_add_up_to_the_whole(inside: Platform, by: tuple[str, ...]) -> None:
    first, user = fresh_day(), f"whole-{fresh_day()}"
    rows = busy(user, first, 3, 7)
    counted(*rows)
    groups = sums.grouped(sums.cells(f"user:{user}", "hour", first, first + timedelta(days=2)), by)
    assert list(groups) == sorted(groups)
    whole = sums.total(groups.values())
    assert (whole["calls"], whole["charged"]) == (len(rows), sum(each["charged"] for each in rows))


def test_one_of_several_keys(inside: Platform) -> None:
    day, user = fresh_day(), f"keys-{fresh_day()}"
    counted(*busy(user, day, 1, 9))
    found = sums.total(sums.grouped(sums.cells(f"user:{user}", "day", day, day, who={KEYS[0]}), ("key",)).values())
    assert found["calls"] == 5


def test_nothing_used_is_shown_as_zeros_and_unknowns() -> None:
    shown: dict[str, Any] = Sums().shown()
    assert (shown["calls"], shown["cost"], shown["tokens"]["total"]) == (0, 0.0, 0)
    assert (shown["byok"]["share"], shown["latency"]) == (None, {"p50_ms": None, "p95_ms": None})
