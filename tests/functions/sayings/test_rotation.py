"""Which request this is, and what it is answered from."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sayings import rotation
from sayings.rotation import CacheManager, places
from tests.functions.sayings.conftest import haiku

FALLING_BACK = ("cache", "table", "built-in")


@pytest.mark.parametrize(
    ("number", "found"),
    [
        *((number, ("table", "built-in")) for number in (1, 2, 3)),
        (4, ("live", *FALLING_BACK)),
        *((number, FALLING_BACK) for number in range(5, 13)),
    ],
)
def test_the_nth_request_is_answered_from(number: int, found: tuple[str, ...]) -> None:
    assert places(number) == found


def test_no_two_requests_have_one_number() -> None:
    cache = CacheManager()
    with ThreadPoolExecutor(32) as pool:
        numbers = list(pool.map(lambda _: cache.next_request_number(), range(2_000)))
    assert sorted(numbers) == list(range(1, 2_001))


def test_each_is_shown_once_however_often_it_is_found() -> None:
    cache = CacheManager()
    one, two = haiku("One."), haiku("Two.")
    cache.add([one, two])
    assert [cache.take(), cache.take(), cache.take()] == [one, two, None]
    cache.add([one, two])
    assert cache.take() is None


def test_what_was_shown_live_is_not_new() -> None:
    cache, shown = CacheManager(), haiku("One.")
    cache.known(shown)
    cache.add([shown, haiku("Two.")])
    assert cache.take() == haiku("Two.", created_at=cache.since)
    assert cache.take() is None


def test_what_is_an_hour_old_is_not_new() -> None:
    cache = CacheManager()
    cache.add([haiku("Old.", created_at=cache.since)])
    assert cache.take() is None


def test_an_empty_cache_looks_now_and_then_and_at_once_after_it_found_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    cache = CacheManager()
    cache._looked = 0.0
    assert cache.may_look()
    assert not cache.may_look(), "it has just looked"
    now[0] += rotation.LOOK_SECONDS
    assert cache.may_look()
    cache.add([haiku("One.")])
    assert not cache.may_look(), "it has one"
    cache.take()
    assert cache.may_look()
