"""Conditional writes, one or several at once, on the emulator and behind the stand-in that refuses as DynamoDB does."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from llm_core.aws import clients, table
from llm_core.aws.writes import ConditionFailed, Write, new, together, update
from llm_core.errors import StoreUnavailable
from tests.llm_core.accounts.books import Books, fate, soon
from tests.races.conftest import Strict


@pytest.fixture
def name(books: Books) -> str:
    """An item that counts, in a table of this test's own."""
    key = uuid4().hex
    table.put_new(books.budgets, {"userId": key, "count": 0}, key="userId")
    return key


def add(books: Books, name: str, condition: str = "") -> Write:
    return Write(books.budgets, {"userId": name}, "SET #count = #count + :one", condition, {":one": 1})


def count(books: Books, name: str) -> Any:
    return (table.get(books.budgets, {"userId": name}) or {}).get("count")


# ------------------------------------------------------------------------------------------- one


def test_an_update_tells_the_item_as_it_is_now(books: Books, name: str) -> None:
    assert update(add(books, name, "#count < :one"), soon()) == {"userId": name, "count": 1}


def test_a_condition_that_fails_tells_the_item_as_it_stands_and_writes_nothing(books: Books, name: str) -> None:
    with pytest.raises(ConditionFailed) as failed:
        update(add(books, name, "#count = :one"), soon())
    assert failed.value.item == {"userId": name, "count": 0}
    with pytest.raises(ConditionFailed) as missing:
        update(add(books, "nobody", "attribute_exists(#userId)"), soon())
    assert missing.value.item is None
    assert (count(books, name), count(books, "nobody")) == (0, None)


@pytest.mark.parametrize("word", ["limit", "open", "window", "account", "ttl", "parent", "version"])
def test_an_attribute_may_be_one_of_dynamodbs_words(books: Books, name: str, word: str) -> None:
    item = update(Write(books.budgets, {"userId": name}, f"SET #{word} = :v", values={":v": "x"}), soon())
    assert item[word] == "x"


def test_a_name_may_stand_for_another_that_no_expression_could_say(books: Books, name: str) -> None:
    change = "SET #holds = :none"
    update(Write(books.budgets, {"userId": name}, change, values={":none": {}}), soon())
    inside = Write(books.budgets, {"userId": name}, "SET #holds.#id = :v", values={":v": 7}, names={"#id": "gen-1.a#b"})
    assert update(inside, soon())["holds"] == {"gen-1.a#b": 7}


# ------------------------------------------------------------------------------------------- several


def test_all_are_written_or_none(books: Books, name: str) -> None:
    other = uuid4().hex
    together([add(books, name), new(books.budgets, {"userId": other, "count": 5}, key="userId")], soon())
    assert (count(books, name), count(books, other)) == (1, 5)
    with pytest.raises(ConditionFailed) as failed:
        together([add(books, name), new(books.budgets, {"userId": other, "count": 9}, key="userId")], soon())
    assert failed.value.items == ({"userId": other, "count": 5},)
    assert (count(books, name), count(books, other)) == (1, 5)


def test_a_look_at_another_item_decides_too(books: Books, name: str) -> None:
    look = Write(books.budgets, {"userId": name}, condition="#count = :zero", values={":zero": 0})
    other = uuid4().hex
    together([look, new(books.budgets, {"userId": other}, key="userId")], soon())
    update(add(books, name), soon())
    with pytest.raises(ConditionFailed) as failed:
        together([look, new(books.budgets, {"userId": uuid4().hex}, key="userId")], soon())
    assert failed.value.items == ({"userId": name, "count": 1},)


def test_each_condition_that_failed_is_told_with_what_was_there(books: Books, name: str) -> None:
    looks = [Write(books.budgets, {"userId": who}, condition="#count = :n", values={":n": 3}) for who in (name, "none")]
    with pytest.raises(ConditionFailed) as failed:
        together([*looks, new(books.budgets, {"userId": uuid4().hex}, key="userId")], soon())
    assert failed.value.items == ({"userId": name, "count": 0}, None)


# ------------------------------------------------------------------------------------------- in each other's way


MEETINGS: list[tuple[Callable[[Write], object], str]] = [
    (lambda write: update(write, soon(10)), "TransactionConflictException"),
    (lambda write: together([write], soon(10)), "TransactionCanceledException"),
]


@pytest.mark.parametrize(("written", "refusal"), MEETINGS, ids=["a write", "a transaction"])
def test_what_meets_a_transaction_waits_for_it(
    books: Books, name: str, behind: Strict, written: Callable[[Write], object], refusal: str
) -> None:
    """DynamoDB refuses it at once, and boto3 does not try again."""
    with ThreadPoolExecutor(1) as pool:
        with behind.under_way(lambda: together([add(books, name)], soon(10))):
            waiting = pool.submit(written, add(books, name))
            behind.until(refusal)
            assert not waiting.done()
        waiting.result()
    assert count(books, name) == 2


def test_whoever_has_no_time_to_wait_is_told_when_to_come_again(books: Books, name: str, behind: Strict) -> None:
    patient = behind.under_way(lambda: together([add(books, name)], soon(10)))
    with patient, pytest.raises(StoreUnavailable, match="busy") as busy:
        update(add(books, name), soon(0.15))
    assert (busy.value.retryable, busy.value.retry_after_s) == (True, 1)
    assert count(books, name) == 1


def test_many_that_meet_all_come_through(books: Books, name: str, behind: Strict) -> None:
    behind.suffer(hold_back_s=0.01)

    def write(number: int) -> None:
        if number % 2:
            together([add(books, name)], soon(10))
        else:
            update(add(books, name), soon(10))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    assert behind.counts["TransactionCanceledException"] >= 1
    assert count(books, name) == 24


# ------------------------------------------------------------------------------------------- a network


def test_a_transaction_whose_answer_was_lost_is_done_once(books: Books, name: str, behind: Strict) -> None:
    behind.suffer(**fate("xx."))
    together([add(books, name)], soon())
    assert behind.counts["lost"] == 2
    behind.suffer()
    assert count(books, name) == 1


def test_a_write_that_fails_by_its_own_doing_shows_its_traces(books: Books, name: str, behind: Strict) -> None:
    behind.suffer(**fate("x.."))
    with pytest.raises(ConditionFailed) as failed:
        update(add(books, name, "#count < :one"), soon())
    assert failed.value.item == {"userId": name, "count": 1}


def test_a_table_that_cannot_be_reached_is_not_waited_for(
    books: Books, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    clients._clients.clear()
    for write in (lambda: update(add(books, name), soon(30)), lambda: together([add(books, name)], soon(30))):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            write()
        assert time.monotonic() - began < 9


def test_a_write_that_can_never_succeed_is_not_repeated(behind: Strict) -> None:
    with pytest.raises(StoreUnavailable):
        update(Write("no-such-table", {"userId": "x"}, "SET #count = :n", values={":n": 1}), soon(30))
    assert behind.counts["requests"] == 1
