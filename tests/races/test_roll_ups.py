"""Many processes count the same rows at once, on a DynamoDB that cancels what overlaps and loses answers."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from itertools import batched

import pytest

from llm_core.deadline import Deadline
from llm_core.errors import StoreUnavailable
from llm_core.roll_ups.counting import Fact, count
from tests.conftest import Platform
from tests.llm_core.roll_ups.rows import SONNET, Row, fresh_day, row
from tests.llm_core.roll_ups.test_counting import expect
from tests.races.conftest import Strict

PROCESSES = 4
PATIENCE_S = 120


def deliver(deliveries: list[list[Row]]) -> bool:
    """What a shard of the stream does: each batch in its turn, again and again until it is dealt with."""
    until = time.monotonic() + PATIENCE_S
    waiting = deque(deliveries)
    while waiting and time.monotonic() < until:
        try:
            count(map(Fact.of, waiting[0]), Deadline.after(5))
            waiting.popleft()
        except StoreUnavailable:
            continue
    return not waiting


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param({"hold_back_s": 0.02}, id="only overlapping"),
        pytest.param(
            dict.fromkeys(("reset", "throttled", "lost", "late", "slow"), 0.05) | {"hold_back_s": 0.01, "slowest_s": 3},
            id="answers lost and writes late too",
        ),
    ],
)
def test_each_row_counts_once(
    inside: Platform, strict: Strict, monkeypatch: pytest.MonkeyPatch, faults: dict[str, float]
) -> None:
    day, draw = fresh_day(), random.Random(4)
    estimates = [row(day, second=n * 200, outcome="timeout", estimated=True, charged=900_000) for n in range(200)]
    truths = [each | {"version": 2, "outcome": "ok", "estimated": False, "model": SONNET} for each in estimates[::4]]
    shards = []
    for _ in range(PROCESSES):
        versions = draw.sample([*estimates, *truths], len(estimates) + len(truths))
        shards.append([list(batch) for batch in batched(versions, 50, strict=False)])

    strict.suffer(**faults)
    monkeypatch.setenv("AWS_ENDPOINT_URL", strict.url)
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        assert all(pool.map(deliver, shards)), "a shard was still at it when patience ended"
    told = strict.counts
    strict.suffer()

    assert told["TransactionCanceledException"] > 0, "they did not meet"
    ended = {each["timestamp"]: each for each in (*estimates, *truths)}
    expect(day, ended.values())
