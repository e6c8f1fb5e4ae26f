"""docs/cost.md says what the template and the price list say, and a platform that nobody asks costs next to nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bench import cost, cost_page
from bench.cost import BOOK, DEV, IDLE, PRICES, PROD, WITH_WAF, Month, break_even, per_million

MOST_IDLE = Decimal(5)


def test_the_page_is_what_the_template_and_the_prices_give_today() -> None:
    assert cost.PAGE.read_text() == cost_page.page(), "make bench-cost"


def test_while_nobody_asks_it_costs_less_than_five_dollars() -> None:
    assert IDLE.usd() <= MOST_IDLE
    without = Month("", parameters=(("Detailed", "true"),))
    assert without.usd() > MOST_IDLE, "which would be noticed"


def test_the_dashboard_is_what_makes_the_list_price_of_an_idle_month_more_than_that() -> None:
    """Said in the page too: it is free unless the account has three others."""
    assert IDLE.usd(listed=True) - cost.price("cloudwatch.dashboards", Decimal(1), listed=True) <= MOST_IDLE


@pytest.mark.parametrize("name", PRICES)
def test_every_price_says_where_it_is_from_and_when_it_was_looked_at(name: str) -> None:
    row = PRICES[name]
    assert Decimal(row["usd"]) > 0
    assert row["free"] >= 0
    assert row["source"].split()[0] in ("AWS", "Amazon")
    assert date.fromisoformat(row["checked_on"]) <= date.today()  # noqa: DTZ011 - a day, wherever it is read
    assert row["source"] in cost.PAGE.read_text()


def test_every_line_of_a_call_has_a_price_and_a_reason() -> None:
    assert set(cost.CALL) <= set(PRICES)
    assert all(reason for _, reason in cost.CALL.values())


def test_the_older_platforms_table_adds_up() -> None:
    assert sum(map(Decimal, BOOK["older"]["lines"].values())) == Decimal("99.90")
    assert set(BOOK["older"]["instead"]) == set(BOOK["older"]["lines"])


def test_more_costs_more() -> None:
    assert IDLE.usd() < DEV.usd() < PROD.usd() < WITH_WAF.usd()
    assert WITH_WAF.usd() - PROD.usd() == Decimal(5 + 5) + Decimal("0.60") * 45_000 / 1_000_000
    short, long = per_million("1.2"), per_million("10")
    assert {name for name in short if short[name] != long[name]} == {"lambda.duration"}


def test_at_the_break_even_one_call_more_costs_more() -> None:
    calls = break_even(Decimal("99.90"))
    assert Month("", calls=calls).usd() <= Decimal("99.90") < Month("", calls=calls + 1).usd()


def test_what_calls_keep_ready_is_billed_by_the_hour() -> None:
    ready = Month("", parameters=(("ProvisionedConcurrency", "5"),))
    assert ready.usd() - IDLE.usd() == 5 * 730 * 3600 * Decimal("0.0000033334")
