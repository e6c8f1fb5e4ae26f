"""The report behind GET /v1/usage: as much as an answer of Lambda's can hold, and no more."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from accounts import report
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest
from llm_core.roll_ups.contribution import BUCKETS
from llm_core.roll_ups.counting import Fact, count
from llm_core.roll_ups.sums import Sums
from tests.conftest import Platform
from tests.llm_core.roll_ups.rows import fresh_day, row


def test_more_groups_than_an_answer_can_hold_are_refused_with_what_to_do(
    inside: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    day, user = fresh_day(), f"many-{fresh_day()}"
    count((Fact.of(row(day, userId=user, model=f"model-{n}")) for n in range(4)), Deadline.after(20))
    asked = report.read({"from": day.isoformat(), "to": day.isoformat(), "by": "model"}, day)
    yesterday = datetime.combine(day - timedelta(days=1), datetime.min.time(), UTC)

    monkeypatch.setattr(report, "MOST_GROUPS", 4)
    assert len(report.make(asked, f"user:{user}", yesterday).groups) == 4
    monkeypatch.setattr(report, "MOST_GROUPS", 3)
    with pytest.raises(InvalidRequest, match="by less"):
        report.make(asked, f"user:{user}", yesterday)


def test_the_largest_answer_fits_into_what_lambda_answers_with() -> None:
    busy = Sums()
    busy.counters.update(dict.fromkeys((*BUCKETS, "calls", "attempts", "cost", "charged", "ms1024"), 10**15))
    labels = {"day": date(2026, 3, 2).isoformat(), "model": "m" * 40, "key": "sk-proj-aaaaaaaaaaaa"}
    assert len(json.dumps(labels | busy.shown())) * report.MOST_GROUPS < 6 * 1024 * 1024
