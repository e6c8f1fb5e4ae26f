"""Keys are made in one process while another ends or narrows the key above them: none is left that may more."""

from __future__ import annotations

import multiprocessing
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from llm_core import audit, credentials, keyring, keys
from llm_core.aws import clients, writes
from llm_core.callers import Caller, identify
from llm_core.deadline import Deadline
from llm_core.errors import DreyError, NotAllowed, StoreUnavailable, Unauthorized
from llm_core.keyring import Change
from llm_core.keys import Key, NewKey, Terms
from tests.conftest import Platform
from tests.races.conftest import Strict

ROUNDS = 6
WIDE = frozenset({"ai:complete", "ai:embed", "keys:write"})
NARROW = frozenset({"ai:complete", "keys:write"})


@pytest.fixture
def environment(inside: Platform, strict: Strict, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """This process in a door's place over the stand-in, where transactions overlap; the same for others."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", strict.url)
    clients._clients.clear()
    strict.suffer(hold_back_s=0.004)
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")} | inside.environment


@pytest.fixture
def pool() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as started:
        started.submit(os.getpid).result()
        yield started


def multiply(environment: dict[str, str], above: NewKey, user: str, seconds: float) -> tuple[list[str], int]:
    """In another process: makes keys below this one and below those; their ids, and how often it was refused."""
    os.environ.update(environment)
    made, refused, until = [above.key_id], 0, time.monotonic() + seconds
    while time.monotonic() < until:
        for scopes in (WIDE, NARROW):
            parent = f"key:{random.choice(made[:4])}"
            try:
                made.append(
                    keys.create("race", user_id=user, terms=Terms(scopes), parent=parent, by=above.key_id).key_id
                )
            except NotAllowed:
                refused += 1
    return made[1:], refused


def raced(
    environment: dict[str, str], pool: ProcessPoolExecutor, act: Callable[[Caller], Any], after_s: float
) -> tuple[NewKey, list[Key], int]:
    """The key above, all keys that the other process made below it, and how many it was refused."""
    user = f"race-{random.randrange(10**9)}"
    above = keys.create("above", user_id=user, terms=Terms(WIDE))
    top = keys.create("top", user_id=user, terms=Terms(WIDE))  # another key, which is none of its business
    multiplying = pool.submit(multiply, environment, above, user, 1.2)
    time.sleep(after_s)
    act(identify(above.api_key))
    made, refused = multiplying.result()
    assert identify(top.api_key)
    return above, [keys.find(each) for each in made], refused


def test_no_key_outlives_the_one_above_it(environment: dict[str, str], pool: ProcessPoolExecutor) -> None:
    made = refused = 0
    for number in range(ROUNDS):
        above, below, late = raced(
            environment,
            pool,
            lambda caller: credentials.revoke(caller.key_id, caller.key_id, Deadline.after(20)),
            after_s=0.2 + 0.1 * number,
        )
        assert not [each.key_id for each in below if not each.revoked_at]
        assert keys.find(above.key_id).revoked_at
        made, refused = made + len(below), refused + late
    assert made > ROUNDS, "nothing was made while it ended"
    assert refused > ROUNDS, "nothing was asked for after it had ended"


def test_no_key_keeps_what_the_one_above_it_lost(environment: dict[str, str], pool: ProcessPoolExecutor) -> None:
    made = refused = 0
    for number in range(ROUNDS):
        above, below, late = raced(
            environment,
            pool,
            lambda caller: keyring.change(caller, caller.key_id, Change(terms={"scopes": NARROW}), Deadline.after(20)),
            after_s=0.2 + 0.1 * number,
        )
        assert keys.find(above.key_id).terms.scopes == NARROW
        assert not [each.key_id for each in below if each.terms.scopes != NARROW]
        made, refused = made + len(below), refused + late
    assert made > ROUNDS
    assert refused > ROUNDS, "nothing more was asked for after it was lost"


@pytest.mark.parametrize("dies_at", range(6))
def test_who_dies_while_revoking_can_say_it_again(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    above = keys.create("above", user_id="dying", terms=Terms(WIDE))
    child = keys.create("child", user_id="dying", terms=Terms(WIDE), parent=f"key:{above.key_id}")
    last = keys.create("last", user_id="dying", terms=Terms(WIDE), parent=f"key:{child.key_id}")
    left = iter(range(100))

    def stumbling(write: Callable[..., Any]) -> Callable[..., Any]:
        def stumble(*arguments: Any) -> Any:
            if next(left) == dies_at:
                raise StoreUnavailable("gone")
            return write(*arguments)

        return stumble

    monkeypatch.setattr("llm_core.credentials.together", stumbling(writes.together))
    monkeypatch.setattr("llm_core.credentials.update", stumbling(writes.update))
    with pytest.raises(StoreUnavailable):
        credentials.revoke(above.key_id, above.key_id, Deadline.after(5))
    for each in (above, child, last):
        if dies_at:  # the first step ends them all
            with pytest.raises(Unauthorized):
                identify(each.api_key)
        else:
            assert identify(each.api_key), "nothing was done"
    left = iter(range(100, 200))
    credentials.revoke(above.key_id, audit.OPERATOR, Deadline.after(5))
    assert all(keys.find(each.key_id).revoked_at for each in (above, child, last))
    assert not any(keys.find(each.key_id).ending for each in (above, child, last))


def _meanwhile(monkeypatch: pytest.MonkeyPatch, room: str, act: Callable[[], Any]) -> None:
    """`act` happens between the reading and the first writing of that room."""
    left = [act]

    def write(*arguments: Any) -> None:
        if left:
            left.pop()()
        writes.together(*arguments)

    monkeypatch.setattr(f"llm_core.{room}.together", write)


def test_what_is_lost_while_it_is_given_is_not_given(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    above = keys.create("above", user_id="giving", terms=Terms(WIDE))
    middle = keys.create("middle", user_id="giving", terms=Terms(WIDE), parent=f"key:{above.key_id}")
    last = keys.create("last", user_id="giving", terms=Terms(NARROW), parent=f"key:{middle.key_id}")
    caller, giver = identify(above.api_key), identify(middle.api_key)

    def narrow(scopes: frozenset[str]) -> None:
        keyring.change(caller, middle.key_id, Change(terms={"scopes": scopes}), Deadline.after(5))

    _meanwhile(monkeypatch, "keys", lambda: narrow(NARROW))
    with pytest.raises(NotAllowed, match="ai:embed"):
        keys.create("late", user_id="giving", terms=Terms(WIDE), parent=giver.account)

    narrow(WIDE)
    _meanwhile(monkeypatch, "keyring", lambda: narrow(NARROW))
    with pytest.raises(NotAllowed, match="ai:embed"):
        keyring.change(giver, last.key_id, Change(terms={"scopes": WIDE}), Deadline.after(5))
    assert keys.find(last.key_id).terms.scopes == NARROW


def test_several_rotations_and_changes_at_once_all_count(environment: dict[str, str]) -> None:
    above = keys.create("above", user_id="busy", terms=Terms(WIDE))
    caller, made, failed = identify(above.api_key), list[NewKey](), list[Exception]()
    child = keys.create("child", user_id="busy", terms=Terms(WIDE), parent=caller.account)

    def run(number: int) -> None:
        try:
            if number % 2:
                made.append(credentials.rotate(child.key_id, above.key_id, Deadline.after(20)))
            else:
                asked = Change(limits={"month": number}, terms={"requests_per_minute": number + 1})
                keyring.change(caller, child.key_id, asked, Deadline.after(20))
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert keys.find(child.key_id).version == 1 + len(threads)
    assert sum(_opens(each) for each in made) == 1, "the last secret and no other"


def _opens(made: NewKey) -> bool:
    try:
        return identify(made.api_key).key_id == made.key_id
    except DreyError:
        return False
