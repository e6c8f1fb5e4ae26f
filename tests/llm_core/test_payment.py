"""What one call may spend: the caller's own word, and the hold on the accounts that pay, whatever comes of the call."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from llm_core import callers, fitting, gateway, keys, overruns
from llm_core.accounts import sweeper
from llm_core.accounts.endings import UNSEEN
from llm_core.accounts.holds import Hold
from llm_core.accounts.steps import Entry
from llm_core.accounts.window import Window
from llm_core.attempt import Attempt
from llm_core.aws import breaker
from llm_core.aws.stage_catalog import catalog
from llm_core.callers import Caller
from llm_core.catalog import PACKAGE, Catalog, Model
from llm_core.deadline import Deadline
from llm_core.errors import BudgetExceeded, BudgetHeld, DreyError, RateLimited, StoreUnavailable
from llm_core.failures import AllProvidersFailed, ProviderSuspended, ProviderUnaffordable
from llm_core.gateway import Answer
from llm_core.ledger import Row
from llm_core.messages import Message, Reply, Request, Text, Usage
from llm_core.money import NANO, with_markup
from llm_core.payment import Allowance, Payment
from tests.conftest import Platform, fresh
from tests.llm_core.accounts.books import Books, Clock, fate, soon
from tests.races.conftest import Strict

CATALOG = Catalog(PACKAGE.read_bytes())
CHEAP, DEAR = CATALOG.model("gpt-4.1-mini"), CATALOG.model("claude-opus-4-7")
ROW = Row("gen-1", "ada", "key", "chat", "m", "p", "m", 1, False, "ok", Usage(), 0, 0, False, "v", 1)
MARKED_UP = with_markup(1_000, Decimal(2))
HELLO = (Message("user", (Text("Hello"),)),)


def _charge(model: Model) -> int:
    return MARKED_UP if model is CHEAP else 9_180


def _payment(allowance: Allowance, *charges: int) -> Payment:
    """A call that has held plenty, and was charged this much for its attempts so far."""
    hold = Hold("gen-1", "ada", {Window("key:k", "2026-11"): Entry(10**16, 0, "ada", 1, "")})
    return Payment(allowance, hold, [replace(ROW, charged=charge) for charge in charges])


# ------------------------------------------------------------------------------------------- the caller's own word


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


# ------------------------------------------------------------------------------------------- the accounts that pay


def paying(parent: str | None = None, policy: callers.Policy = "clamp", **terms: Any) -> Caller:
    made = keys.create("k", user_id="ada", terms=keys.Terms({"ai:complete"}, policy=policy, **terms), parent=parent)
    return callers.identify(made.api_key)


def request(model: str, **fields: Any) -> Request:
    asked: dict[str, Any] = {"model": model, "messages": HELLO, "max_tokens": 50} | fields
    return Request(**asked)


def ask(caller: Caller, asked: Request, seconds: float = 20) -> Answer[Reply]:
    return gateway.answer(asked, caller, Deadline.after(seconds))


def most(asked: Request, max_tokens: int = 50) -> int:
    """The charge of one attempt's ceiling: nano-USD."""
    model = catalog().model(asked.model)
    asked = replace(asked, max_tokens=max_tokens)
    return with_markup(fitting.ceiling(asked, gateway._prompt(asked), model), Decimal(2))


def asked_of(platform: Platform, model: str) -> int:
    return sum(model in (each["model"] or "") for each in platform.asked(10_000))


def booked(books: Books, caller: Caller, label: str = "total") -> int:
    """What the key spent: its rows say the same, and nothing is held."""
    standing = books.standing(caller.account, label)
    assert (standing.held, standing.holds) == (0, 0)
    assert standing.spent == sum(row["charged"] for row in books.rows() if row["keyId"] == caller.key_id)
    return standing.spent


def test_an_answer_is_paid_by_every_account_and_its_row_says_as_much(understudy: Platform, books: Books) -> None:
    books.open("team:t", total=NANO)
    caller = paying("team:t", limits={"total": NANO // 10})
    told = ask(caller, request(fresh("alone")))
    assert booked(books, caller) == told.call.charged > 0
    assert books.standing("team:t", "total").spent == told.call.charged


def test_what_a_budget_cannot_pay_is_not_asked_for(understudy: Platform, books: Books) -> None:
    asked = request(fresh("alone"))
    caller = paying(limits={"total": most(asked) - 1})
    with pytest.raises(BudgetExceeded):
        ask(caller, asked)
    assert (asked_of(understudy, asked.model), booked(books, caller)) == (0, 0)
    richer = paying(limits={"total": most(asked)})
    assert ask(richer, asked).call.charged == booked(books, richer)


def test_an_answer_of_no_said_length_is_shortened_to_what_is_affordable(understudy: Platform, books: Books) -> None:
    asked = request(fresh("alone"), max_tokens=None)
    caller = paying(limits={"total": most(asked, 1_000)})
    assert ask(caller, asked).limit == 1_000


@pytest.mark.parametrize(("affordable", "limit"), [(fitting.FLOOR, 256), (fitting.FLOOR - 1, None)])
def test_but_not_below_256_tokens(understudy: Platform, books: Books, affordable: int, limit: int | None) -> None:
    asked = request(fresh("alone"), max_tokens=None)
    caller = paying(limits={"total": most(asked, affordable)})
    if limit:
        assert ask(caller, asked).limit == limit
    else:
        with pytest.raises(BudgetExceeded):
            ask(caller, asked)
        assert asked_of(understudy, asked.model) == 0


@pytest.mark.parametrize(("policy", "max_tokens"), [("refuse", None), ("clamp", 4_096), ("refuse", 4_096)])
def test_a_length_that_was_said_or_a_key_that_says_refuse_is_not_shortened(
    understudy: Platform, books: Books, policy: callers.Policy, max_tokens: int | None
) -> None:
    asked = request(fresh("alone"), max_tokens=max_tokens)
    caller = paying(policy=policy, limits={"total": most(asked, 1_000)})
    with pytest.raises(BudgetExceeded):
        ask(caller, asked)
    assert ask(caller, replace(asked, max_tokens=1_000)).limit == 1_000


def test_an_answer_is_shortened_by_the_tightest_account_and_counts_as_one_request(
    understudy: Platform, books: Books
) -> None:
    asked = request(fresh("alone"), max_tokens=None)
    books.open("team:t", total=most(asked, 700))
    caller = paying("team:t", limits={"total": most(asked, 2_000)}, requests_per_minute=1)
    told = ask(caller, asked)
    assert told.limit == 700
    assert told.call.payment is not None
    assert told.call.payment.hold.minute is not None
    assert told.call.payment.hold.minute.requests == 1


def test_an_answer_is_shortened_to_what_a_minute_takes(understudy: Platform, books: Books) -> None:
    asked = request(fresh("alone"), max_tokens=None)
    told = ask(paying(tokens_per_minute=1_000), asked)
    assert 1_000 - 256 < told.limit < 1_000
    assert told.call.payment is not None
    assert told.call.payment.hold.minute is not None
    assert told.call.payment.hold.minute.tokens == 1_000
    with pytest.raises(RateLimited) as refused:
        ask(paying(tokens_per_minute=100), asked)
    assert refused.value.retryable is False


def test_while_calls_in_flight_hold_the_rest_a_shorter_answer_is_given(understudy: Platform, books: Books) -> None:
    asked = request(fresh("alone"), max_tokens=None)
    caller = paying(limits={"total": most(asked, 4_096) + most(asked, 500)})
    first = gateway.stream(asked, caller, Deadline.after(20))
    assert ask(caller, asked).limit == 500
    with pytest.raises(BudgetHeld):
        ask(caller, request(asked.model, max_tokens=1_000))
    first.close()


# ------------------------------------------------------------------------------------------- more than one attempt


def test_a_hold_grows_for_another_attempt_after_one_of_which_nobody_saw_the_end(
    understudy: Platform, books: Books
) -> None:
    asked = request(fresh("alone"))
    understudy.order({"kind": "reset"}, model=asked.model, times=1)
    caller = paying(limits={"total": 2 * most(asked)})
    told = ask(caller, asked)
    assert [row.estimated for row in told.call.rows] == [True, False]
    assert booked(books, caller) == told.call.charged > most(asked)


def test_but_never_beyond_a_budget(understudy: Platform, books: Books) -> None:
    """A nano-dollar less than two ceilings: the other candidate is not asked, and the caller is told why."""
    asked = request(fresh("alone"))
    understudy.order({"kind": "reset"}, model=asked.model)
    caller = paying(limits={"total": 2 * most(asked) - 1})
    with pytest.raises(AllProvidersFailed, match="could cost up to") as failed:
        ask(caller, replace(asked, models=(asked.model, fresh("alone"))))
    assert failed.value.code == "budget_exceeded"
    assert asked_of(understudy, asked.model) == 1
    assert booked(books, caller) == most(asked)


def test_attempts_that_cost_nothing_leave_nothing_behind(understudy: Platform, books: Books) -> None:
    asked = request(fresh("alone"))
    understudy.order({"kind": "status", "code": 500}, model=asked.model)
    caller = paying(limits={"total": most(asked)})
    with pytest.raises(AllProvidersFailed):
        ask(caller, asked)
    assert (asked_of(understudy, asked.model), booked(books, caller)) == (3, 0)


def test_a_circuit_that_is_open_costs_nothing(understudy: Platform, books: Books) -> None:
    asked = request(fresh("alone"))
    understudy.order({"kind": "status", "code": 500}, model=asked.model)
    caller = paying(limits={"total": NANO})
    for _ in range(2):
        with pytest.raises(DreyError):
            ask(caller, asked)
    assert asked_of(understudy, asked.model) == breaker.FAILURES
    assert booked(books, caller) == 0


# ------------------------------------------------------------------------------------------- when things break


def test_when_budgets_cannot_be_reached_nobody_is_asked(understudy: Platform, books: Books, behind: Strict) -> None:
    asked = request(fresh("alone"))
    caller = paying(limits={"total": NANO})
    overruns._known.clear()
    behind.suffer(reset=1)
    with pytest.raises(StoreUnavailable) as refused:
        ask(caller, asked)
    assert refused.value.retryable
    behind.suffer()
    assert asked_of(understudy, asked.model) == 0


def test_a_failure_is_told_as_it_was_even_if_the_settles_answer_was_lost(
    understudy: Platform, books: Books, behind: Strict
) -> None:
    """Nobody was asked, so there is no row to be found either."""
    model = catalog().model(fresh("alone"))
    caller = paying()
    overruns.suspend(model, "chat", ceiling=1, cost=2)
    ask(caller, request(fresh("alone")))
    behind.suffer(**fate(".x..."))
    with pytest.raises(ProviderSuspended):
        ask(caller, request(model.model))
    assert behind.counts["lost"] == 1


def test_what_nobody_foresaw_in_the_middle_of_an_attempt_is_not_free(
    understudy: Platform, books: Books, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider has answered, and we stumble over what it said: it will be on the bill."""
    asked = request(fresh("alone"))
    caller = paying(limits={"total": NANO})
    monkeypatch.setattr(Attempt, "_cost", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        ask(caller, asked)
    assert asked_of(understudy, asked.model) == 1
    assert books.standing(caller.account, "total").held == most(asked)
    sweeper.sweep(clock.now + 1_000, soon(20))
    assert booked(books, caller) == most(asked)
    assert [row["outcome"] for row in books.rows()] == [UNSEEN]


def test_when_our_time_is_over_before_anybody_was_asked_nothing_is_charged(understudy: Platform, books: Books) -> None:
    asked = request(fresh("alone"))
    caller = paying(limits={"total": NANO})
    with pytest.raises(DreyError):
        ask(caller, asked, seconds=0)
    assert (asked_of(understudy, asked.model), booked(books, caller)) == (0, 0)
    assert books.rows() == []
