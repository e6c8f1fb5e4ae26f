"""Each row counts once: delivered twice, late, out of order, corrected, or counted by two at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_core.aws import clients, table
from llm_core.deadline import Deadline
from llm_core.errors import StoreUnavailable
from llm_core.roll_ups import sums
from llm_core.roll_ups.contribution import ALL, BUCKETS
from llm_core.roll_ups.counting import MOST, Fact, Unreadable, count
from tests.conftest import Platform
from tests.llm_core.roll_ups.rows import HAIKU, SONNET, Row, by_hand, fresh_day, row, told

OWN = ("hour", "key", "provider", "model", "outcome", "operation")
SHARED = ("hour", "user", "provider", "model", "outcome", "operation")
USERS = ("ada", "grace#ada")


def counted(rows: Iterable[Row]) -> int:
    return count(map(Fact.of, rows), Deadline.after(20))


def expect(day: date, rows: Iterable[Row]) -> None:
    """Every scope, by hour and by day, has the sums of these rows and of no others."""
    rows = list(rows)
    whole = tuple("day" if name == "hour" else name for name in OWN)
    for user in USERS:
        own = [each for each in rows if each["userId"] == user]
        for by, period in ((OWN, "hour"), (whole, "day")):
            found = sums.cells(f"user:{user}", period, day, day)  # type: ignore[arg-type]
            assert told(sums.grouped(found, by)) == by_hand(own, by)
    assert told(sums.grouped(sums.cells(ALL, "hour", day, day), SHARED)) == by_hand(rows, SHARED)
    users = ("day", "user")
    assert told(sums.grouped(sums.cells(ALL, "day", day, day), users)) == by_hand(rows, users)


# ------------------------------------------------------------------------------------------------ the promise
AMOUNTS = st.integers(0, 10**9)
VERSIONS = st.fixed_dictionaries(
    {
        "keyId": st.sampled_from(["sk-proj-aaaaaaaaaaaa", "sk-proj-bbbbbbbbbbbb"]),
        "model": st.sampled_from([HAIKU, SONNET, "a#b/c"]),
        "outcome": st.sampled_from(["ok", "timeout"]),
        "tokens": st.fixed_dictionaries(dict.fromkeys(BUCKETS, AMOUNTS)),
        "cost": AMOUNTS,
        "charged": AMOUNTS,
        "estimated": st.booleans(),
        "byok": st.booleans(),
        "cached": st.booleans(),
        "swept": st.booleans(),
        "latencyMs": st.integers(0, 2_000_000),
    }
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[date, list[Row], list[list[Row]]]:
    """A day, its rows as they ended, and the batches in which all their versions were delivered."""
    day, ended, deliveries = fresh_day(), [], []
    for _ in range(draw(st.integers(1, 6))):
        first = row(
            day,
            second=draw(st.integers(0, 86_399)),
            userId=draw(st.sampled_from(USERS)),
            attempt=draw(st.integers(1, 2)),
        )
        versions = [
            first | {**change, "version": n} for n, change in enumerate(draw(st.lists(VERSIONS, max_size=3)), 1)
        ]
        versions = versions or [{name: value for name, value in first.items() if name != "version"}]  # an older row
        ended.append(versions[-1])
        again = draw(st.lists(st.sampled_from(versions), max_size=4))
        deliveries += [*versions, *again] if draw(st.booleans()) else [versions[-1], *again]
    batches: list[list[Row]] = [[]]
    for each in draw(st.permutations(deliveries)):
        batches = [*batches, [each]] if draw(st.booleans()) else [*batches[:-1], [*batches[-1], each]]
    return day, ended, batches


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(histories())
def test_whatever_is_delivered_the_sums_are_those_of_the_rows_as_they_ended(
    inside: Platform, history: tuple[date, list[Row], list[list[Row]]]
) -> None:
    day, ended, batches = history
    for batch in batches:
        counted(batch)
    expect(day, ended)


# ------------------------------------------------------------------------------------------------ one by one
def test_a_row_delivered_again_is_not_counted_again(inside: Platform) -> None:
    day = fresh_day()
    rows = [row(day), row(day)]
    assert [counted(rows), counted(rows), counted([*rows, row(day)])] == [2, 0, 1]


def test_a_corrected_estimate_moves_to_where_it_belongs(inside: Platform) -> None:
    day = fresh_day()
    estimate = row(day, outcome="timeout", estimated=True, cost=900_000, charged=918_000, tokens={})
    truth = estimate | {"outcome": "ok", "estimated": False, "cost": 30, "charged": 31, "tokens": {"input": 3}}
    counted([estimate])
    counted([truth | {"version": 2}])
    (group, found), *others = sums.grouped(sums.cells("user:ada", "day", day, day), ("outcome",)).items()
    assert (group, others) == (("ok",), [])
    assert (found["charged"], found["estimated"], found["input"], found["calls"]) == (31, 0, 3, 1)


def test_an_estimate_that_comes_after_its_correction_changes_nothing(inside: Platform) -> None:
    day = fresh_day()
    estimate, truth = row(day, charged=918_000), row(day, charged=31)
    truth |= {"timestamp": estimate["timestamp"], "version": 2}
    assert [counted([truth, estimate]), counted([estimate])] == [1, 0]
    expect(day, [truth])


def test_a_batch_of_one_key_and_model_costs_one_transaction_for_96_rows(inside: Platform) -> None:
    day, sent = fresh_day(), _transactions()
    rows = [row(day, second=second) for second in range(192)]
    counted(rows)
    assert sent == [MOST, MOST]
    expect(day, rows)


def test_more_cells_than_a_transaction_holds_are_counted_in_several(inside: Platform) -> None:
    day, sent = fresh_day(), _transactions()
    rows = [row(day, second=second, keyId=f"sk-proj-{second:012d}") for second in range(60)]
    counted(rows)
    assert max(sent) <= MOST
    assert len(sent) == 2, "a row has a marker and two cells of its own key, all share two of their user"
    expect(day, rows)


def _transactions() -> list[int]:
    """The sizes of all transactions from now on, as they leave this process."""
    sizes: list[int] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        sizes.append(len(params["TransactItems"]))

    clients.dynamodb_once().meta.events.register("provide-client-params.dynamodb.TransactWriteItems", note)
    return sizes


def test_many_at_once_count_each_row_once(inside: Platform) -> None:
    day = fresh_day()
    rows = [row(day, second=second * 100) for second in range(120)]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: counted(rows), range(8)))
    assert sum(done) == len(rows)
    expect(day, rows)


def test_a_row_past_its_time_counts_nothing(inside: Platform) -> None:
    """Its marker may be gone already."""
    day = fresh_day()
    assert counted([row(day, ttl=int(time.time()) - 1)]) == 0
    expect(day, [])


def test_a_marker_outlives_its_row_and_a_cell_its_rows(inside: Platform) -> None:
    day, name = fresh_day(), inside.environment["ROLL_UPS_TABLE_NAME"]
    early, late = row(day, second=1), row(day, second=80_000)
    late["ttl"] += 80_000
    counted([early, late])
    (cell,) = table.query(name, {"scope": "user:ada"}, between=("cell", f"day#{day}", f"day#{day}~"))
    marker = table.get(name, {"scope": f"row:ada:{late['timestamp']:f}", "cell": "counted"})
    assert marker is not None
    assert cell["ttl"] > late["ttl"] > early["ttl"]
    assert marker["ttl"] > late["ttl"]


def test_a_marker_that_was_taken_away_is_no_obstacle(inside: Platform) -> None:
    day, name = fresh_day(), inside.environment["ROLL_UPS_TABLE_NAME"]
    first = row(day)
    counted([first])
    key = {"scope": {"S": f"row:ada:{first['timestamp']:f}"}, "cell": {"S": "counted"}}
    clients.dynamodb().delete_item(TableName=name, Key=key)
    assert counted([first | {"version": 2}]) == 1


@pytest.mark.parametrize(
    "missing", ["userId", "timestamp", "keyId", "provider", "model", "outcome", "operation", "tokens", "cost", "ttl"]
)
def test_a_row_without_what_every_row_has_is_told_apart(missing: str) -> None:
    whole = row(fresh_day())
    with pytest.raises(Unreadable, match=missing):
        Fact.of({name: value for name, value in whole.items() if name != missing})


@pytest.mark.parametrize("wrong", [{"timestamp": "x"}, {"timestamp": Decimal("1e30")}, {"tokens": 5}, {"cost": "dear"}])
def test_a_row_with_something_else_in_it_is_told_apart(wrong: Row) -> None:
    with pytest.raises(Unreadable):
        Fact.of(row(fresh_day()) | wrong)


def test_a_table_that_cannot_be_reached_is_told(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    clients._clients.clear()
    with pytest.raises(StoreUnavailable):
        counted([row(fresh_day())])
