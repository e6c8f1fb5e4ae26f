"""The judge of the wall accuses: each kind of harm, done on purpose."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.faults import verdict, wall
from tests.faults.callers import Seen
from tests.faults.evidence import Evidence
from tests.faults.failures import ARGUMENTS, TEXT
from tests.faults.wall import Case

CASES = {case.id: case for case in wall.cases()}
PLAIN = CASES["empty chunk, openai, streamed, one candidate"]
TOOLS = CASES["a tool call's arguments cut, anthropic, streamed, one candidate"]
COST = 50 * verdict.INPUT + 20 * verdict.OUTPUT
CHARGED = COST * 102 // 100


def row(case: Case, **more: Any) -> dict[str, Any]:
    told = {"id": "gen-1", "attempt": 1, "provider": case.provider, "outcome": "ok", "estimated": False}
    return {**told, "cost": Decimal(COST), "charged": Decimal(CHARGED), **more}


def line(row: dict[str, Any]) -> dict[str, Any]:
    names = ("attempt", "outcome", "estimated")
    return {"gen_ai.response.id": row["id"], **{name: row[name] for name in names}}


def left(case: Case, *rows: dict[str, Any], sold: int = 1) -> Evidence:
    sale = {"provider": case.provider, "usage": {"input": 50, "output": 20}}
    return Evidence(list(rows), [sale] * sold, [line(each) for each in rows])


def good(case: Case = PLAIN) -> Seen:
    account = {"cost": CHARGED / 10**9}
    seen = Seen(text=TEXT, finish="stop", account=account, provider=case.provider, model=case.model, attempts=1)
    return replace(seen, text="", finish="tool_use", calls=[ARGUMENTS]) if case.tools else seen


def kinds(case: Case, seen: Seen, evidence: Evidence) -> set[str]:
    return {violation.kind for violation in verdict.judged(case, seen, evidence)}


def test_nothing_is_said_of_an_answer_that_is_whole_and_paid() -> None:
    assert kinds(PLAIN, good(), left(PLAIN, row(PLAIN))) == set()


@pytest.mark.parametrize(
    "harm",
    [
        {"text": TEXT[:20]},
        {"text": ""},
        {"finish": ""},
        {"text": TEXT.replace("moss ", "")},
    ],
    ids=str,
)
def test_a_cut_answer_looks_whole(harm: dict[str, Any]) -> None:
    assert kinds(PLAIN, replace(good(), **harm), left(PLAIN, row(PLAIN))) == {"looks whole"}


@pytest.mark.parametrize("calls", [[], [{"city": "Lisbon"}], ['{"city": "Lis'], [ARGUMENTS, ARGUMENTS]])
def test_half_a_tool_call_looks_whole(calls: list[Any]) -> None:
    assert "looks whole" in kinds(TOOLS, replace(good(TOOLS), calls=calls), left(TOOLS, row(TOOLS)))


def test_an_answer_that_says_it_was_cut_does_not() -> None:
    assert kinds(PLAIN, replace(good(), text=TEXT[:9], finish="length"), left(PLAIN, row(PLAIN))) == set()


@pytest.mark.parametrize(
    "harm",
    [
        {"cost": Decimal(COST - 1)},
        {"cost": Decimal(COST + 1)},
        {"charged": Decimal(CHARGED - 1)},
        {"cost": Decimal(COST - 1), "charged": Decimal(CHARGED), "estimated": True},
        {"cost": Decimal(verdict.MOST + 1), "charged": Decimal(verdict.MOST * 2), "estimated": True},
        {"attempt": 2},
    ],
    ids=str,
)
def test_money_is_lost_or_made_up(harm: dict[str, Any]) -> None:
    assert "money" in kinds(PLAIN, good(), left(PLAIN, row(PLAIN, **harm)))


def test_an_attempt_without_a_row_is_lost_money() -> None:
    assert "money" in kinds(PLAIN, good(), left(PLAIN, row(PLAIN), sold=2))


def test_a_row_without_an_attempt_is_money_booked_twice() -> None:
    assert "money" in kinds(PLAIN, good(), left(PLAIN, row(PLAIN), row(PLAIN, attempt=2)))


def test_an_answer_that_tells_another_cost_than_its_rows() -> None:
    assert kinds(PLAIN, replace(good(), account={"cost": 1.0}), left(PLAIN, row(PLAIN))) == {"money"}


def test_what_takes_too_long_hangs() -> None:
    assert kinds(PLAIN, replace(good(), seconds=verdict.HANGS_S + 1), left(PLAIN, row(PLAIN))) == {"hangs"}


def test_a_line_is_missing_in_the_log() -> None:
    assert kinds(PLAIN, good(), replace(left(PLAIN, row(PLAIN)), lines=[])) == {"log"}


@pytest.mark.parametrize(
    "harm",
    [
        {"provider": "bedrock"},
        {"fallback": True},
        {"attempts": 3},
        {"error": "InternalServerError", "code": "provider_error", "status": 502},
    ],
    ids=str,
)
def test_something_else_comes(harm: dict[str, Any]) -> None:
    assert "unexpected" in kinds(PLAIN, replace(good(), **harm), left(PLAIN, row(PLAIN)))
