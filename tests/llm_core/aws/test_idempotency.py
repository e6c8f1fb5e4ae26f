"""Carried out once: what is kept, for whom, for how long, and what happens to whoever repeats it."""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import uuid4

import pytest

from llm_core.aws import clients, idempotency
from llm_core.aws.http import Response
from llm_core.errors import IdempotencyMismatch, StillRunning, StoreUnavailable
from llm_core.failures import ProviderOverloaded
from llm_core.settings import settings
from tests.conftest import Platform

REQUEST = b'/v1/complete\n{"messages": [...]}'
WHO = "sk-proj-testtesttest"


class Invocation:
    """Lambda's context; so many milliseconds are left."""

    def __init__(self, left: int = 25_000) -> None:
        self.left = left

    def get_remaining_time_in_millis(self) -> int:
        return self.left


class Work:
    """Something that must happen once; it counts."""

    def __init__(self, answer: Response | Exception | None = None) -> None:
        self.answer = answer or Response(200, b'{"id": "gen-1"}', {"x-drey-cost-usd": "0.01"})
        self.times = 0

    def __call__(self) -> Response:
        self.times += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def key(inside: Platform) -> str:
    return f"order-{uuid4()}"


def once(
    key: str, run: Callable[[], Response], who: str = WHO, request: bytes = REQUEST, left: int = 25_000
) -> Response:
    return idempotency.once(who, key, request, Invocation(left), run)


def records() -> list[dict[str, Any]]:
    return clients.dynamodb().scan(TableName=settings().reuse_table_name)["Items"]


def test_the_second_time_nothing_is_done_and_the_answer_says_so(key: str) -> None:
    work = Work()
    first, second = once(key, work), once(key, work)
    assert work.times == 1
    assert first is work.answer
    assert (second.status, second.body, second.content_type) == (first.status, first.body, first.content_type)
    assert dict(second.headers) == {**first.headers, "x-drey-idempotent-replay": "true"}


def test_another_request_with_the_same_key_is_a_mistake(key: str) -> None:
    work = Work()
    once(key, work)
    for other in (REQUEST + b" ", REQUEST.replace(b"complete", b"classify")):
        with pytest.raises(IdempotencyMismatch):
            once(key, work, request=other)
    assert work.times == 1


def test_another_caller_and_another_key_have_nothing_to_do_with_it(key: str) -> None:
    work = Work()
    once(key, work)
    once(key, work, who="sk-proj-somebodyelse")
    once(f"{key}-2", work)
    assert work.times == 3


def test_what_is_raised_is_forgotten_so_trying_again_is_worth_it(key: str) -> None:
    failing, work = Work(ProviderOverloaded("busy", provider="anthropic", status=529)), Work()
    for _ in range(2):
        with pytest.raises(ProviderOverloaded):
            once(key, failing)
    assert failing.times == 2
    assert once(key, work).status == 200


def test_while_the_first_is_running_the_second_is_told_to_come_again(key: str) -> None:
    begun, may_end = Event(), Event()

    def slow() -> Response:
        begun.set()
        may_end.wait(10)
        return Response(200, b"{}")

    with ThreadPoolExecutor() as pool:
        first = pool.submit(once, key, slow)
        assert begun.wait(10)
        with pytest.raises(StillRunning) as told:
            once(key, Work())
        with pytest.raises(IdempotencyMismatch):
            once(key, Work(), request=b"another")
        may_end.set()
        assert first.result(10).status == 200
    assert (told.value.retryable, told.value.retry_after_s) == (True, 5)
    assert once(key, Work()).headers["x-drey-idempotent-replay"] == "true"


def test_of_many_at_once_one_does_it(key: str) -> None:
    """Also the very first time in a process, when the store itself is being made."""
    idempotency._stores.clear()
    done: list[int] = []

    def slow() -> Response:
        done.append(1)
        time.sleep(0.3)
        return Response(200, b"{}")

    def attempt(_: int) -> str:
        try:
            return str(once(key, slow).status)
        except StillRunning:
            return "running"

    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(attempt, range(16)))
    assert len(done) == 1
    assert (told.count("200"), told.count("running")) == (1, 15)


def test_a_key_is_usable_again_when_the_first_can_no_longer_be_alive(key: str) -> None:
    """Given one that never came back from its work, when Lambda's time for it is over, then the next one does it."""

    def dies() -> Response:
        raise SystemExit

    with pytest.raises(SystemExit):
        once(key, dies, left=1_500)
    work = Work()
    with pytest.raises(StillRunning):
        once(key, work)
    time.sleep(1.6)
    assert once(key, work).status == 200
    assert work.times == 1


def test_a_record_is_a_day_old_at_most_and_tells_neither_who_nor_what(key: str) -> None:
    before = {record["id"]["S"] for record in records()}
    once(key, Work(), request=b"a secret question of mine")
    (record,) = [record for record in records() if record["id"]["S"] not in before]
    left = int(record["ttl"]["N"]) - time.time()
    assert idempotency.KEPT_SECONDS - 60 < left <= idempotency.KEPT_SECONDS
    for secret in (key, WHO, "secret question"):
        assert secret not in json.dumps(record)


def test_an_expired_record_counts_for_nothing_before_it_is_deleted(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "KEPT_SECONDS", -10)
    idempotency._stores.clear()
    work = Work()
    once(key, work)
    monkeypatch.undo()
    idempotency._stores.clear()
    once(key, work)
    assert work.times == 2


def test_an_answer_too_large_to_keep_is_given_once_and_never_bought_again(key: str) -> None:
    noise = random.Random(7).randbytes(300_000).hex().encode()
    work = Work(Response(200, noise))
    assert once(key, work).body == noise
    with pytest.raises(IdempotencyMismatch, match="too large"):
        once(key, work)
    assert work.times == 1


def test_an_answer_of_a_megabyte_of_words_is_kept(key: str) -> None:
    body = json.dumps({"content": "The squirrel builds a nest. " * 40_000}).encode()
    once(key, Work(Response(200, body)))
    assert once(key, Work()).body == body


def test_without_the_table_nothing_is_done(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REUSE_TABLE_NAME", "no-such-table")
    settings.cache_clear()
    work = Work()
    with pytest.raises(StoreUnavailable):
        once(key, work)
    assert work.times == 0


@pytest.mark.parametrize("outcome", [None, ProviderOverloaded("busy", provider="anthropic")], ids=["answer", "error"])
def test_a_record_that_cannot_be_finished_takes_nothing_from_the_caller(
    key: str, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, outcome: Exception | None
) -> None:
    """Given the table goes away in the middle, then the answer that was paid for is still handed out."""
    work = Work(outcome)

    def and_then_no_table() -> Response:
        monkeypatch.setattr(idempotency._stores[settings().reuse_table_name], "table_name", "no-such-table")
        return work()

    if outcome is None:
        assert once(key, and_then_no_table) is work.answer
    else:
        with pytest.raises(ProviderOverloaded):
            once(key, and_then_no_table)
    assert '"event": "idempotency_lost"' in log.getvalue()
