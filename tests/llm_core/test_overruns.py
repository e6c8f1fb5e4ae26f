"""A call that cost more than could be foreseen: the truth is booked, somebody is told, and nobody asks so again."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

from llm_core import audit, byok, callers, gateway, keys, overruns
from llm_core.accounts import window
from llm_core.aws import clients
from llm_core.aws.stage_catalog import catalog
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.errors import StoreUnavailable
from llm_core.failures import ProviderSuspended
from llm_core.gateway import Answer
from llm_core.messages import Message, Output, Reply, Request, Text, Tool
from llm_core.money import NANO
from llm_core.settings import settings
from tests.conftest import Platform, fresh
from tests.llm_core.accounts.books import Books

HELLO = (Message("user", (Text("Hello"),)),)


@pytest.fixture(autouse=True)
def _as_new() -> Iterator[None]:
    overruns._known.clear()
    yield
    overruns._known.clear()


@pytest.fixture
def caller(books: Books) -> Caller:
    terms = keys.Terms({"ai:complete", "ai:embed"}, {"total": 10 * NANO})
    return callers.identify(keys.create("k", user_id="ada", terms=terms).api_key)


def ask(caller: Caller, model: str, **more: Any) -> Answer[Reply]:
    return gateway.answer(Request(model, HELLO, max_tokens=20, **more), caller, Deadline.after(20))


@pytest.fixture
def dear(understudy: Platform, caller: Caller) -> str:
    """A model that has just answered with far more tokens than it was allowed."""
    model = fresh("alone")
    understudy.perform({"text": "Hello", "output_tokens": 200_000}, model=model)
    ask(caller, model)
    return model


def suspended(model: str, operation: str = "chat") -> bool:
    try:
        overruns.check(catalog().model(model), operation)
    except ProviderSuspended:
        return True
    return False


def test_what_it_cost_is_booked_and_the_excess_is_told(
    caller: Caller, dear: str, books: Books, log: io.StringIO
) -> None:
    (row,) = books.rows()
    assert row["cost"] > 1 * NANO // 2, "200,000 tokens at 5 USD a million"
    standing = books.standing(caller.account, "total")
    assert (standing.spent, standing.held) == (row["charged"], 0)
    assert standing.overrun > 0
    assert (
        books.standing(caller.account, window.label("month", row["timestamp"].__int__() / 1000)).spent == row["charged"]
    )


def test_nobody_asks_it_again_for_that_kind_of_call_until_an_operator_has_looked(
    understudy: Platform, caller: Caller, dear: str, books: Books
) -> None:
    understudy.free()
    asked = len(understudy.asked(10_000))
    with pytest.raises(ProviderSuspended, match="waits for an operator") as refused:
        ask(caller, dear)
    assert refused.value.retryable is False
    assert len(understudy.asked(10_000)) == asked
    assert len(books.rows()) == 1
    assert books.standing(caller.account, "total").held == 0

    act = audit.act("overruns", by=audit.OPERATOR, what="overrun.clear", subject=dear, before={}, after={})
    assert overruns.clear(f"anthropic/{dear}", "chat", act)
    assert not overruns.clear(f"anthropic/{dear}", "chat", act), "once"
    overruns._known.clear()  # elsewhere within half a minute
    assert ask(caller, dear).reply.parts
    assert not suspended(dear)


def test_other_models_and_other_kinds_of_calls_go_on(caller: Caller, dear: str) -> None:
    assert suspended(dear)
    assert not suspended(dear, "embeddings")
    assert ask(caller, fresh("alone")).reply.parts


def test_what_one_caller_uses_is_not_taken_from_those_who_do_not(caller: Caller, understudy: Platform) -> None:
    """Suspended is what the call's price depended on, and all that has this too: not the model."""
    model, weather = fresh("alone"), Tool("get_weather", "", {"type": "object"})
    understudy.perform({"text": "Hello", "output_tokens": 200_000}, model=model)
    ask(caller, model, tools=(weather,))
    understudy.free()

    assert ask(caller, model).reply.parts, "a plain conversation goes on"
    for more in ({"tools": (weather,)}, {"tools": (weather,), "output": Output()}):
        with pytest.raises(ProviderSuspended):
            ask(caller, model, **more)
    assert ask(caller, model, output=Output()).reply.parts


def test_a_second_way_to_overrun_is_added_to_the_first(caller: Caller, log: io.StringIO) -> None:
    model = catalog().model(fresh("alone"))
    overruns.suspend(model, "chat", {"bash"}, ceiling=1, cost=2)
    overruns.suspend(model, "chat", {"images", "cache"}, ceiling=1, cost=2)
    for known in ("here", "elsewhere"):
        overruns.check(model, "chat")
        overruns.check(model, "chat", {"images"})
        for features in ({"bash"}, {"bash", "tools"}, {"images", "cache"}):
            with pytest.raises(ProviderSuspended):
                overruns.check(model, "chat", features)
        if known == "here":
            overruns._known.clear()
    assert log.getvalue().count('"alert"') >= 2, "each is told"


def test_what_a_callers_own_key_is_billed_suspends_nothing(caller: Caller, understudy: Platform) -> None:
    """Its contract, its workspace's geography: they are no word about the platform's prices."""
    model = fresh("alone")
    own = byok.sent("anthropic", f"own-key-{model}")
    understudy.perform({"text": "Hello", "output_tokens": 200_000}, model=model)
    request = Request(model, HELLO, max_tokens=20)
    gateway.answer(request, caller, Deadline.after(20), gateway.Wishes(own=own))
    understudy.free()
    overruns._known.clear()
    assert not suspended(model)
    assert ask(caller, model).reply.parts


def test_another_candidate_answers_in_its_place(caller: Caller, dear: str) -> None:
    told = ask(caller, dear, models=(dear, fresh("gpt")))
    assert (told.model.provider, told.fallback, len(told.call.rows)) == ("openai", True, 1)


def test_every_process_knows(dear: str) -> None:
    overruns._known.clear()
    assert suspended(dear)


def test_somebody_is_told_once(caller: Caller, books: Books, dear: str, log: io.StringIO) -> None:
    model = catalog().model(dear)
    for _ in range(3):
        overruns.suspend(model, "chat", ceiling=1, cost=2)
    assert "overrun" not in log.getvalue(), "it was told when it happened"
    other = catalog().model(fresh("alone"))
    overruns.suspend(other, "chat", ceiling=1_000_000, cost=2_000_000)
    assert log.getvalue().count('"alert"') >= 1
    assert '"0.002"' in log.getvalue()


def test_when_nobody_can_say_whether_it_is_suspended_nobody_is_asked(
    caller: Caller, understudy: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = fresh("alone")
    monkeypatch.setenv("BUDGETS_TABLE_NAME", "no-such-table")
    settings.cache_clear()
    with pytest.raises(StoreUnavailable):
        overruns.check(catalog().model(model), "chat")


def test_an_overrun_that_cannot_be_kept_is_remembered_here_and_told(
    books: Books, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    model = catalog().model(fresh("alone"))
    monkeypatch.setenv("BUDGETS_TABLE_NAME", "no-such-table")
    settings.cache_clear()
    clients._clients.clear()
    overruns.suspend(model, "chat", ceiling=1, cost=2)
    assert "overrun_lost" in log.getvalue()
    with pytest.raises(ProviderSuspended):
        overruns.check(model, "chat")
