"""What a caller allows one request to cost, over all its attempts."""

from dataclasses import replace
from decimal import Decimal

import pytest

from llm_core.allowance import Allowance
from llm_core.attempt import Call
from llm_core.callers import Caller
from llm_core.catalog import PACKAGE, Catalog, Model
from llm_core.errors import BudgetExceeded, ProviderUnaffordable
from llm_core.ledger import Row
from llm_core.messages import Usage
from llm_core.money import with_markup

CATALOG = Catalog(PACKAGE.read_bytes())
CHEAP, DEAR = CATALOG.model("gpt-4.1-mini"), CATALOG.model("claude-opus-4-7")
ROW = Row("gen-1", "ada", "key", "chat", "m", "p", "m", 1, False, "ok", Usage(), 0, 0, False, "v", 1)
MARKED_UP = with_markup(1_000, Decimal(2))


def _ceiling(model: Model) -> int:
    return 1_000 if model is CHEAP else 9_000


def _call(*charges: int) -> Call:
    call = Call(Caller("key", "ada", frozenset()), "chat", "m", b"")
    call.rows.extend(replace(ROW, charged=charge) for charge in charges)
    return call


def test_who_says_nothing_allows_anything() -> None:
    Allowance().admit(_call(10**15), 10**15, CHEAP)
    assert Allowance().affordable([DEAR, CHEAP], _ceiling) == [DEAR, CHEAP]


def test_the_first_candidate_must_be_affordable_and_dearer_others_are_left_out() -> None:
    assert Allowance(MARKED_UP).affordable([CHEAP, DEAR], _ceiling) == [CHEAP]
    with pytest.raises(BudgetExceeded) as refused:
        Allowance(MARKED_UP).affordable([DEAR, CHEAP], _ceiling)
    assert refused.value.details == {"required": "0.00000918", "limit": "0.00000102"}


def test_the_markup_counts() -> None:
    with pytest.raises(BudgetExceeded):
        Allowance(1_000).affordable([CHEAP], _ceiling)


def test_attempts_that_may_have_been_billed_leave_less_for_the_next() -> None:
    Allowance(2 * MARKED_UP).admit(_call(MARKED_UP), 1_000, CHEAP)
    with pytest.raises(ProviderUnaffordable):
        Allowance(2 * MARKED_UP).admit(_call(MARKED_UP, 1), 1_000, CHEAP)
