"""Something is done once, however many ask for it, and done after all when somebody dies over it."""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from llm_core.aws import claims, clients
from llm_core.errors import StoreUnavailable
from llm_core.settings import settings
from tests.conftest import Platform


@pytest.fixture
def name(inside: Platform) -> str:
    return f"claim-{uuid4().hex[:12]}"


def once(name: str, do: Any, *, lease: float = 30, lasts: int = 900) -> bool:
    return claims.once(settings().health_table_name, name, do, lease=lease, lasts=lasts)


def item(name: str) -> dict[str, Any]:
    found = clients.dynamodb().get_item(TableName=settings().health_table_name, Key={"name": {"S": name}})
    return dict(found["Item"])


class Trouble(Exception):
    pass


def failing() -> None:
    raise Trouble


def test_it_is_done_once_and_remembered_for_as_long_as_asked(name: str) -> None:
    done: list[int] = []
    assert [once(name, lambda: done.append(1)) for _ in range(3)] == [True, False, False]
    assert done == [1]
    assert set(item(name)) == {"name", "ttl"}
    assert int(item(name)["ttl"]["N"]) == pytest.approx(time.time() + 900, abs=5)


def test_sixteen_at_once_do_it_once(name: str) -> None:
    done: list[int] = []

    def slowly() -> None:
        time.sleep(0.1)
        done.append(1)

    def ask(_: int) -> bool:
        try:
            return once(name, slowly)
        except claims.Claimed:
            return False

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(ask, range(16))) == 1
    assert done == [1]


def test_what_failed_is_done_by_the_next_who_asks(name: str) -> None:
    with pytest.raises(Trouble):
        once(name, failing)
    done: list[int] = []
    assert once(name, lambda: done.append(1))
    assert done == [1]


def test_while_somebody_is_at_it_nobody_else_is_and_nobody_is_told_that_it_is_done(name: str) -> None:
    def ask_again() -> None:
        with pytest.raises(claims.Claimed):
            once(name, failing)

    assert once(name, ask_again)


def test_who_dies_over_it_leaves_it_to_another_when_the_lease_is_over(name: str) -> None:
    # Given somebody who claimed it and was never heard of again.
    token = "of-the-dead"
    claims._claim(settings().health_table_name, name, token, 1)
    with pytest.raises(claims.Claimed):
        once(name, failing)

    # When their lease is over, somebody else does it ...
    until = time.monotonic() + 5
    done: list[int] = []
    while not done and time.monotonic() < until:
        try:
            once(name, lambda: done.append(1))
        except claims.Claimed:
            time.sleep(0.1)
    assert done == [1]

    # ... and should the dead come back, they end nothing that is not theirs.
    claims._release(settings().health_table_name, name, token)
    assert not once(name, failing)


def test_a_claim_whose_answer_was_lost_is_our_own(name: str) -> None:
    """boto3 repeats a write whose answer it did not get, and the second one fails by the first."""
    health = settings().health_table_name
    assert claims._claim(health, name, "ours", 30)
    assert claims._claim(health, name, "ours", 30)


def test_after_its_time_it_may_be_done_again(name: str) -> None:
    assert once(name, lambda: None, lasts=0)
    assert once(name, lambda: None, lasts=0)


def test_without_the_table_nothing_is_done(inside: Platform) -> None:
    with pytest.raises(StoreUnavailable):
        claims.once("no-such-table", "x", failing, lease=1, lasts=1)


def test_what_is_done_and_cannot_be_remembered_is_no_failure(
    name: str, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_the_table() -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        clients._clients.clear()

    assert once(name, lose_the_table), "whoever repeated it would do it twice"
    assert '"event": "memory_lost"' in log.getvalue()
