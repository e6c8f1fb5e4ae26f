"""Who is refused for a budget that is used up, and who only asked for too much: which of them people hear of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm_core import alerts, exhaustion
from llm_core.accounts import refusals
from llm_core.accounts.window import Window
from llm_core.errors import BudgetExceeded, StoreUnavailable
from llm_core.money import NANO, plain
from llm_core.payment import Allowance
from llm_core.settings import settings
from tests.conftest import Platform


class Told:
    """In the topic's place: the alerts that were to be told."""

    def __init__(self) -> None:
        self.alerts: list[tuple[str, str, dict[str, Any]]] = []

    def __call__(self, kind: str, subject: str, **facts: Any) -> bool:
        self.alerts.append((kind, subject, facts))
        return True


@pytest.fixture
def told(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> Told:
    listening = Told()
    monkeypatch.setattr(alerts, "insist_once", listening)
    return listening


def refused(account: str, *, left: int, limit: int = 10, label: str = "2026-11") -> None:
    """A call that may cost 3 USD, while so many USD are left."""
    refusal = refusals.unaffordable(Window(account, label), limit * NANO, left * NANO, 0, 3 * NANO)
    with pytest.raises(BudgetExceeded), exhaustion.told():
        raise refusal


def test_a_budget_that_refuses_is_told_as_used_up_once_a_window_and_limit(told: Told) -> None:
    refused("user:ada", left=2)
    ((kind, subject, facts),) = told.alerts
    assert (kind, subject, facts["episode"], facts["percent"]) == (
        "budget",
        "user:ada",
        f"2026-11#100#{10 * NANO}",
        100,
    )
    assert (facts["window"], facts["spent_usd"], facts["limit_usd"]) == ("2026-11", plain(8 * NANO), plain(10 * NANO))
    assert facts["lasts"] >= 86_400


def test_a_total_that_is_used_up_is_told_once_for_ever(told: Told) -> None:
    refused("user:ada", left=1, label="total")
    assert told.alerts[0][2]["lasts"] > 365 * 86_400


@pytest.mark.parametrize(("account", "left"), [("user:ada", 2.1), ("run:r", 0)], ids=["a large request", "a run"])
def test_who_asked_for_too_much_and_a_run_that_ends_are_nobodys_alarm(told: Told, account: str, left: float) -> None:
    refusal = refusals.unaffordable(Window(account, "2026-11"), 10 * NANO, int(left * NANO), 0, 3 * NANO)
    with pytest.raises(BudgetExceeded), exhaustion.told():
        raise refusal
    assert told.alerts == []


def test_a_callers_own_word_is_nobodys_alarm(told: Told) -> None:
    with pytest.raises(BudgetExceeded), exhaustion.told():
        raise BudgetExceeded(Allowance(1).words(2))
    assert told.alerts == []


def test_where_budgets_are_not_to_be_told_nobody_is(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUDGET_ALERTS_ENABLED", "false")
    settings.cache_clear()
    refused("user:ada", left=0)
    assert told.alerts == []


def test_trouble_in_telling_never_reaches_the_request(
    inside: Platform, monkeypatch: pytest.MonkeyPatch, log: Any
) -> None:
    def unreachable(*_: Any, **__: Any) -> bool:
        raise StoreUnavailable("no")

    monkeypatch.setattr(alerts, "insist_once", unreachable)
    refused("user:ada", left=0)
    (line,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert line["event"] == "alert_lost"
