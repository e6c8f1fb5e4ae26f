"""Money stays exact from price to row to screen."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_core import money

amounts = st.integers(min_value=0, max_value=10**15)


def test_a_dollar_is_a_billion_nano_dollars_and_back() -> None:
    assert money.nano("1.05") == 1_050_000_000
    assert money.usd(1_050_000_000) == Decimal("1.05")


def test_what_is_finer_than_a_nano_dollar_is_refused_not_rounded() -> None:
    with pytest.raises(ValueError, match="whole number of nano-USD"):
        money.nano("0.0000000001")


def test_small_amounts_are_shown_plainly_never_with_an_exponent() -> None:
    assert money.plain(105_000) == "0.000105"
    assert money.plain(1) == "0.000000001"
    assert money.plain(0) == "0"


@given(amounts)
def test_display_loses_nothing(amount: int) -> None:
    assert money.nano(money.plain(amount)) == amount


@given(amounts, st.decimals(min_value=0, max_value=100, places=3))
def test_markup_rounds_up_and_never_by_more_than_one_nano_dollar(amount: int, percent: Decimal) -> None:
    charged = money.with_markup(amount, percent)
    exact = Decimal(amount) * (100 + percent) / 100
    assert exact <= charged < exact + 1


def test_no_markup_changes_nothing() -> None:
    assert money.with_markup(123_456_789, Decimal(0)) == 123_456_789
