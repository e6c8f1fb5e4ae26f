"""What one call may spend: the caller's own word, and the hold on the accounts that pay."""

from dataclasses import replace
from decimal import Decimal

import pytest

from llm_core.accounts.holds import Hold
from llm_core.accounts.window import Entry, Window
from llm_core.catalog import PACKAGE, Catalog, Model
from llm_core.deadline import Deadline
from llm_core.errors import BudgetExceeded
from llm_core.failures import ProviderUnaffordable
from llm_core.ledger import Row
from llm_core.messages import Usage
from llm_core.money import with_markup
from llm_core.payment import Allowance, Payment

CATALOG = Catalog(PACKAGE.read_bytes())
CHEAP, DEAR = CATALOG.model("gpt-4.1-mini"), CATALOG.model("claude-opus-4-7")
ROW = Row("gen-1", "ada", "key", "chat", "m", "p", "m", 1, False, "ok", Usage(), 0, 0, False, "v", 1)
MARKED_UP = with_markup(1_000, Decimal(2))


def _charge(model: Model) -> int:
    return MARKED_UP if model is CHEAP else 9_180


def _payment(allowance: Allowance, *charges: int) -> Payment:
    """A call that has held plenty, and was charged this much for its attempts so far."""
    hold = Hold("gen-1", "ada", {Window("key:k", "2026-11"): Entry(10**16, 0, "ada", 1, "")})
    return Payment(allowance, hold, [replace(ROW, charged=charge) for charge in charges])


def test_who_says_nothing_allows_anything() -> None:
    _payment(Allowance(), 10**15).cover(10**15, CHEAP, Deadline.after(1))
    assert Allowance().affordable([DEAR, CHEAP], _charge) == [DEAR, CHEAP]


def test_the_first_candidate_must_be_affordable_and_dearer_others_are_left_out() -> None:
    assert Allowance(MARKED_UP).affordable([CHEAP, DEAR], _charge) == [CHEAP]
    with pytest.raises(BudgetExceeded) as refused:
        Allowance(MARKED_UP).affordable([DEAR, CHEAP], _charge)
    assert refused.value.details == {"required": "0.00000918", "limit": "0.00000102"}


def test_attempts_that_may_have_been_billed_leave_less_for_the_next() -> None:
    allowance = Allowance(2 * MARKED_UP)
    _payment(allowance, MARKED_UP).cover(MARKED_UP, CHEAP, Deadline.after(1))
    with pytest.raises(ProviderUnaffordable):
        _payment(allowance, MARKED_UP, 1).cover(MARKED_UP, CHEAP, Deadline.after(1))
