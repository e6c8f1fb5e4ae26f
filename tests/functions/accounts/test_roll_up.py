"""The roll-up door: batches of the usage table's stream, in process, on the tables of the running platform."""

from __future__ import annotations

import io
import json
from datetime import date
from typing import Any

import pytest

from accounts import roll_up
from llm_core.aws import clients, table
from llm_core.errors import StoreUnavailable
from llm_core.roll_ups import sums
from tests.conftest import ROOT, Platform
from tests.functions.gateway.events import Context
from tests.llm_core.roll_ups.rows import Row, by_hand, fresh_day, row, told


def delivered(*rows: Row, first: int = 1) -> dict[str, Any]:
    """As the stream delivers them, numbered from `first`."""
    records = [
        {"eventName": "INSERT", "dynamodb": {"SequenceNumber": str(n), "NewImage": table.packed(each)}}
        for n, each in enumerate(rows, first)
    ]
    return {"Records": records}


def by_outcome(day: date) -> Any:
    return told(sums.grouped(sums.cells("user:ada", "day", day, day), ("outcome",)))


def test_a_batch_is_counted_and_counted_once(inside: Platform) -> None:
    day = fresh_day()
    rows = [row(day), row(day, outcome="timeout"), row(day)]
    for _ in range(2):
        assert roll_up.handler(delivered(*rows), Context()) == {"batchItemFailures": []}
    assert by_outcome(day) == by_hand(rows, ("outcome",))


def test_what_was_removed_counts_nothing_and_takes_nothing_away(inside: Platform) -> None:
    day = fresh_day()
    kept = row(day)
    roll_up.handler(delivered(kept), Context())
    key = table.packed({name: kept[name] for name in ("userId", "timestamp")})
    gone = {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "2", "Keys": key}}
    assert roll_up.handler({"Records": [gone]}, Context()) == {"batchItemFailures": []}
    assert by_outcome(day) == by_hand([kept], ("outcome",))


def test_a_row_that_cannot_be_read_is_reported_and_the_others_are_counted(inside: Platform, log: io.StringIO) -> None:
    day = fresh_day()
    good, bad = row(day), row(day)
    del bad["cost"]
    answer = roll_up.handler(delivered(bad, good, first=70), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "70"}]}
    assert by_outcome(day) == by_hand([good], ("outcome",))
    (line,) = (entry for entry in map(json.loads, log.getvalue().splitlines()) if entry["level"] == "ERROR")
    assert (line["event"], line["user_id"]) == ("usage_row_uncounted", "ada")
    assert str(bad["timestamp"]) in line["timestamp_of_row"]


def test_a_batch_comes_again_when_the_table_is_gone(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    clients._clients.clear()
    with pytest.raises(StoreUnavailable):
        roll_up.handler(delivered(row(fresh_day())), Context())


def test_the_sample_of_a_correction_leaves_the_truth(inside: Platform) -> None:
    text = (ROOT / "events/accounts/roll_up-corrected.json").read_text()
    expires = str(1795251600 + 400 * 86_400)
    assert expires in text
    roll_up.handler(json.loads(text.replace(expires, str(4 * 10**9))), Context())
    day = date(2026, 11, 21)
    cells = sums.cells("user:ada", "day", day, day, who={"sk-proj-000000000000"})
    (found,) = sums.grouped(cells, ("outcome",)).items()
    assert (found[0], found[1]["charged"], found[1]["estimated"]) == (("ok",), 35_700, 0)
