"""Usage rows: one per attempt, none over another."""

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from llm_core import ledger
from llm_core.aws import clients
from llm_core.errors import LedgerUnavailable, NotFound
from llm_core.messages import Usage
from tests.conftest import Platform


def _row(**changed: Any) -> ledger.Row:
    row = ledger.Row(
        id=ledger.new_id(),
        user_id="ada",
        key_id="sk-proj-aaaaaaaaaaaa",
        operation="chat",
        requested_model="claude-haiku-4-5",
        provider="anthropic",
        model="claude-haiku-4-5",
        attempt=1,
        fallback=False,
        outcome="ok",
        usage=Usage(input=10, output=5),
        cost=35_000,
        charged=35_700,
        estimated=False,
        price_version="2026-11-20.abc",
        latency_ms=120,
    )
    return replace(row, **changed)


def test_a_row_is_found_by_its_users_id_and_its_own(inside: Platform) -> None:
    row = _row()
    ledger.record(row)
    found = ledger.find("ada", row.id)
    assert (found["cost"], found["charged"], found["tokens"]["input"]) == (35_000, 35_700, 10)


def test_somebody_elses_row_looks_like_none_at_all(inside: Platform) -> None:
    row = _row()
    ledger.record(row)
    with pytest.raises(NotFound):
        ledger.find("eve", row.id)


@pytest.mark.parametrize("call_id", ["", "gen-", "gen-zz", "x" * 5_000])
def test_what_is_no_id_of_a_call_is_not_found(inside: Platform, call_id: str) -> None:
    with pytest.raises(NotFound):
        ledger.find("ada", call_id)


def test_rows_of_one_millisecond_stay_apart(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm_core.ledger.time.time_ns", lambda: 1_763_700_000_123_000_000)
    rows = [_row(user_id="crowd") for _ in range(200)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ledger.record, rows))
    found = clients.dynamodb().query(
        TableName=inside.environment["USAGE_TABLE_NAME"],
        KeyConditionExpression="userId = :user",
        ExpressionAttributeValues={":user": {"S": "crowd"}},
        Select="COUNT",
    )
    assert found["Count"] == 200


def test_two_attempts_of_one_call_are_two_rows(inside: Platform) -> None:
    first = _row()
    ledger.record(first)
    ledger.record(replace(first, attempt=2, cost=1))
    assert ledger.find("ada", first.id)["cost"] == 35_000
    assert ledger.find("ada", first.id, attempt=2)["cost"] == 1


def test_all_attempts_of_a_call_are_read_in_their_order_and_nobody_elses(inside: Platform) -> None:
    call, neighbour = _row(), _row()
    for row in (replace(call, attempt=12), call, neighbour, replace(call, attempt=2), replace(call, user_id="eve")):
        ledger.record(row)
    assert [(row["id"], row["attempt"]) for row in ledger.attempts("ada", call.id)] == [
        (call.id, 1),
        (call.id, 2),
        (call.id, 12),
    ]
    with pytest.raises(NotFound):
        ledger.attempts("bob", call.id)
    with pytest.raises(NotFound):
        ledger.attempts("ada", "gen-zz")


def test_writing_the_same_row_again_changes_nothing(inside: Platform) -> None:
    row = _row()
    ledger.record(row)
    ledger.record(row)
    assert ledger.find("ada", row.id)["cost"] == 35_000


def test_another_row_under_the_same_id_is_told_and_not_overwritten(inside: Platform) -> None:
    row = _row()
    ledger.record(row)
    with pytest.raises(ledger.Written):
        ledger.record(replace(row, cost=0))
    assert ledger.find("ada", row.id)["cost"] == 35_000


def test_rows_expire_after_the_retention_the_stage_asks_for(inside: Platform) -> None:
    row = _row()
    ledger.record(row)
    found = ledger.find("ada", row.id)
    assert found["ttl"] - int(found["timestamp"]) // 1000 == 400 * 86_400


def test_a_row_that_cannot_be_written_stands_in_the_log_whole(
    inside: Platform, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    clients._clients.clear()
    row = _row()
    with pytest.raises(LedgerUnavailable):
        ledger.record(row)
    line = log.getvalue()
    assert "usage_row_lost" in line
    assert row.id in line
    assert "35700" in line
