"""Bodies about keys and budgets: amounts to the last digit, and what was named told from what was not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_core import key_shapes, shapes
from llm_core.errors import InvalidRequest
from llm_core.money import plain

MILLION = 10**15


def budget(text: str) -> key_shapes.Budget:
    return shapes.read(key_shapes.Budget, shapes.parse_exactly(b'{"monthlyBudget": ' + text.encode() + b"}"))


@given(st.integers(0, MILLION), st.sampled_from(["", "0", "000000000000000000000000000000"]))
def test_an_amount_is_read_digit_by_digit(nano: int, zeros: str) -> None:
    text = plain(nano)
    assert budget(text + (zeros if "." in text else "")).monthly_budget == nano


@given(st.integers(1, MILLION - 1), st.integers(1, 40))
def test_a_digit_too_many_is_refused_however_small(nano: int, places: int) -> None:
    whole, part = divmod(nano, 10**9)
    with pytest.raises(InvalidRequest, match="nine decimals"):
        budget(f"{whole}.{part:09d}{'0' * (places - 1)}1")


@pytest.mark.parametrize(
    "text", ["-0.1", "1000000.000000001", "1e30", "1e-30", "true", '"1"', "[1]", "1e-99999999999999999999"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        budget(text)


def test_only_what_was_named_is_asked_for() -> None:
    body = shapes.read(key_shapes.KeyChange, {"dailyCap": None, "scopes": ["a", "b"], "requestsPerMinute": None})
    assert key_shapes.limits(body) == {"day": None}
    assert key_shapes.terms(body) == {"scopes": ("a", "b"), "requests_per_minute": None}
    assert key_shapes.limits(budget("1")) == {"month": 10**9}


def test_a_moment_has_a_zone_and_is_kept_in_utc() -> None:
    body = shapes.read(key_shapes.KeyChange, {"expiresAt": "2099-12-31T23:00:00-02:00"})
    assert key_shapes.terms(body) == {"expires_at": datetime(2100, 1, 1, 1, tzinfo=UTC)}
