"""Thumbs where transactions are cancelled, answers get lost and connections break: each counts once all the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from llm_core.aws import clients
from sayings import shelf
from tests.functions.sayings.conftest import Sayings, haiku
from tests.functions.sayings.conftest import sayings as sayings
from tests.functions.sayings.conftest import warm as warm
from tests.races.conftest import Strict

ATTIC = "S3 is an attic."
VOTES, AT_ONCE = 100, 16


def test_each_thumb_counts_once_however_often_it_must_be_sent(
    sayings: Sayings, strict: Strict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given DynamoDB as AWS runs it, on a bad day; when every page sends its thumb until it is taken, none is lost and
    none counts twice: not on the saying, not in the sums, not as a row."""
    shelf.keep([haiku(ATTIC)])
    monkeypatch.setenv("AWS_ENDPOINT_URL", strict.url)
    clients._clients.clear()
    strict.suffer(seed=7, reset=0.05, throttled=0.05, lost=0.1)

    def send(_: int) -> int:
        key, sent = str(uuid4()), 0
        while True:
            sent += 1
            status = sayings.vote(key=key, saying=ATTIC, feedbackType="POSITIVE")["statusCode"]
            assert status in (200, 503)
            if status == 200:
                return sent

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert sum(pool.map(send, range(VOTES))) >= VOTES
    counts = strict.counts
    strict.suffer()
    assert counts["lost"] > 0
    assert counts["reset"] > 0
    assert sayings.saying(ATTIC)["upvotes"] == VOTES
    assert len(sayings.items("SayingFeedbackTable")) == VOTES
    (model,) = sayings.stats()["models"]
    assert model["positive"] == model["total"] == VOTES
