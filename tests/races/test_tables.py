"""What failing tables may not do to money: each trouble alone, at the one moment where it hurts.

The races meet the same troubles by chance. The top floor, the sweeper and the limits run here in one process, over the
stand-in.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from llm_core import gateway, keys, ledger, payment
from llm_core.accounts import admission, limits, opening, shards, steps, sweeper, tree, window
from llm_core.accounts.endings import ABANDONED
from llm_core.accounts.tree import Account
from llm_core.accounts.window import Window
from llm_core.aws import clients, table
from llm_core.aws.writes import together
from llm_core.callers import Caller, identify
from llm_core.deadline import Deadline
from llm_core.errors import LedgerUnavailable, StoreUnavailable
from llm_core.messages import Message, Reply, Request, Text
from llm_core.payment import Allowance, Payment
from llm_core.settings import settings
from tests.conftest import Platform, fresh
from tests.llm_core.test_journal import ROW
from tests.races.conftest import Strict

CENT = 10_000_000
REAL_SETTLE = steps.settle
FAR = 10_000
"""Seconds after which every lease is over."""


@pytest.fixture
def tables(inside: Platform, strict: Strict, monkeypatch: pytest.MonkeyPatch) -> Strict:
    """This process in a door's place, over the stand-in."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", strict.url)
    clients._clients.clear()
    return strict


@pytest.fixture
def team(tables: Strict) -> str:
    return opened(shards=1)


@pytest.fixture
def caller(team: str) -> Caller:
    """A key without a limit of its own, in a team with one."""
    made = keys.create("k", user_id=f"user-{uuid4().hex[:8]}", terms=keys.Terms({"ai:complete"}), parent=team)
    return identify(made.api_key)


def opened(shards: int) -> str:
    name = f"team:{uuid4().hex[:8]}"
    together(tree.opening(Account(name, None, {"month": 100 * CENT}, shards)), Deadline.after(5))
    return name


def ask(caller: Caller) -> gateway.Answer[Reply]:
    hello = Request(model=fresh("alone"), messages=(Message("user", (Text("Hello"),)),), max_tokens=20)
    return gateway.answer(hello, caller, Deadline.after(20))


def held(caller: Caller) -> Payment:
    """A call that was let in, and has asked nobody yet."""
    return payment.take(caller, ledger.new_id(), CENT, 10, "chat p/m", Allowance(), Deadline.after(20))


def balances(caller: Caller, *above: str) -> list[tuple[int, int]]:
    """Held and spent, of the key and of those above it."""
    label = window.label("month", time.time())
    items = [Window(name, label).read() for name in (caller.account, *above)]
    return [(item["held"], item["spent"]) for item in items if item]


def rows(caller: Caller) -> list[table.Item]:
    name = settings().usage_table_name
    return list(table.query(name, {"userId": caller.user_id}, between=("timestamp", 0, 10**14)))


def sweep() -> None:
    sweeper.sweep(time.time() + FAR, Deadline.after(20))


@contextmanager
def suffering(tables: Strict, fate: str, **more: Any) -> Iterator[None]:
    """The next request to the tables suffers this, and those that follow do not."""
    tables.suffer(**{fate: 1}, **more)

    def until_it_has() -> None:
        while not tables.counts.get(fate):
            time.sleep(0.005)
        tables.suffer()

    mending = threading.Thread(target=until_it_has)
    mending.start()
    try:
        yield
    finally:
        mending.join()


def around(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, weather: Callable[[], Any]) -> None:
    """This weather reigns while that function runs."""
    real = getattr(owner, name)

    def run(*args: Any, **fields: Any) -> Any:
        with weather():
            return real(*args, **fields)

    monkeypatch.setattr(owner, name, run)


@contextmanager
def lasting(tables: Strict, **faults: Any) -> Iterator[None]:
    tables.suffer(**faults)
    try:
        yield
    finally:
        tables.suffer()


@pytest.mark.parametrize("fate", ["lost", "reset"])
def test_a_call_whose_row_may_or_may_not_be_written_is_booked_as_the_row_says(
    tables: Strict, caller: Caller, team: str, monkeypatch: pytest.MonkeyPatch, fate: str
) -> None:
    """The provider has answered and wants its money. `lost`: the row is there, nobody saw it; `reset`: it is not."""
    around(monkeypatch, ledger, "record", lambda: lasting(tables, **{fate: 1}))
    with pytest.raises(LedgerUnavailable):
        ask(caller)
    monkeypatch.undo()
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", tables.url)
    sweep()
    (row,) = rows(caller)
    assert row["charged"] > 0
    assert balances(caller, team) == [(0, row["charged"])] * 2


def test_a_hold_that_arrives_when_its_call_is_over_is_not_booked_again(
    tables: Strict, caller: Caller, team: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody heard of it in time, so the call was refused; it arrives when all is given back."""
    opening.begin(team, window.label("month", time.time()), Deadline.after(5))
    around(monkeypatch, admission, "hold", lambda: suffering(tables, "late", slowest_s=8, seed=6))
    with pytest.raises(StoreUnavailable):
        ask(caller)  # the hold is 4.4 s late
    time.sleep(4)
    assert balances(caller, team) == [(0, 0)] * 2
    sweep()
    assert balances(caller, team) == [(0, 0)] * 2


@pytest.mark.parametrize("last", ["hold_own", "hold"])
def test_a_hold_that_was_swept_before_it_is_given_back_costs_nothing(
    tables: Strict, caller: Caller, team: str, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    """Its caller did not hear of it, and stood still until its lease was over: it has asked nobody."""
    opening.begin(team, window.label("month", time.time()), Deadline.after(5))
    forbid = steps.forbid

    def slowly(*args: Any) -> Any:
        sweep()
        return forbid(*args)

    monkeypatch.setattr(admission, "forbid", slowly)
    around(monkeypatch, admission, last, lambda: suffering(tables, "lost"))
    with pytest.raises(StoreUnavailable):
        ask(caller)
    sweep()
    assert sum(row["charged"] for row in rows(caller)) == 0
    assert set(balances(caller, team)) == {(0, 0)}


def test_a_hold_that_nobody_heard_of_and_nobody_can_give_back_costs_nothing(
    tables: Strict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only window that pays has it whole, as if its caller had died while a provider was at work."""
    limited = keys.Terms({"ai:complete"}, limits={"month": 100 * CENT})
    alone = identify(keys.create("k", user_id=f"user-{uuid4().hex[:8]}", terms=limited).api_key)
    opening.begin(alone.account, window.label("month", time.time()), Deadline.after(5))
    around(monkeypatch, admission, "update", lambda: suffering(tables, "lost"))
    around(monkeypatch, admission, "forbid", lambda: lasting(tables, reset=1))
    with pytest.raises(StoreUnavailable):
        ask(alone)
    ((held, _),) = balances(alone)
    assert held > 0
    sweep()
    assert [(row["outcome"], row["charged"]) for row in rows(alone)] == [(ABANDONED, 0)]
    assert balances(alone) == [(0, 0)]


@pytest.mark.parametrize("attempts", [0, 2])
def test_a_call_that_cannot_give_back_is_booked_at_its_attempts_and_nothing_more(
    tables: Strict, caller: Caller, team: str, monkeypatch: pytest.MonkeyPatch, attempts: int
) -> None:
    """It was over and asked nobody else, and could say so in the one table that took its word."""
    call = held(caller)
    for number in range(attempts):
        call.record(replace(ROW, id=call.hold.call_id, user_id=caller.user_id, attempt=number + 1, outcome="timeout"))
    around(monkeypatch, steps, "settle", lambda: lasting(tables, reset=1))
    call.settle()
    monkeypatch.setattr(steps, "settle", REAL_SETTLE)
    sweep()
    booked = sum(row["charged"] for row in rows(caller))
    assert booked == attempts * ROW.charged
    assert [row["outcome"] for row in rows(caller)] == ["timeout"] * attempts + [ABANDONED]
    assert balances(caller, team) == [(0, booked)] * 2


def test_a_settle_that_was_done_unseen_is_no_trouble_for_a_call_without_rows(
    tables: Strict, caller: Caller, team: str
) -> None:
    call = held(caller)
    with suffering(tables, "lost"):
        call.settle()
    sweep()
    assert balances(caller, team) == [(0, 0)] * 2


def test_a_call_that_is_half_swept_and_settles_unseen_is_booked_once(
    tables: Strict, caller: Caller, team: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweeper took it for dead, wrote its estimate, settled one window and died; then the call came back."""
    call = held(caller)
    settle = steps.settle
    settled: list[Any] = []

    def once(*args: Any, **fields: Any) -> Any:
        if settled:
            raise KeyboardInterrupt
        settled.append(args)
        return settle(*args, **fields)

    monkeypatch.setattr(steps, "settle", once)
    with pytest.raises(KeyboardInterrupt):
        sweep()
    monkeypatch.setattr(steps, "settle", settle)
    with suffering(tables, "lost"):
        call.settle()
    sweep()
    booked = sum(row["charged"] for row in rows(caller))
    assert balances(caller, team) == [(0, booked)] * 2


def test_a_limit_that_changes_while_its_window_begins_is_the_new_limit(
    tables: Strict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two looks at its shards the window is made by somebody's first call."""
    name = opened(shards=4)
    label = window.label("month", time.time())
    read = Window.read
    looks: list[Window] = []

    def look(place: Window) -> Any:
        found = read(place)
        if place.name.startswith(name) and not looks:
            looks.append(place)
            opening.begin(name, label, Deadline.after(5))
        return found

    monkeypatch.setattr(Window, "read", look)
    limits.change(name, {"month": 120 * CENT}, lambda _before, _after: (), Deadline.after(10))
    assert sum(item["limit"] for item in shards.read(name, label, 4)) == 120 * CENT
