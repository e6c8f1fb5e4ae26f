"""The sample by which savings are measured is of the mix it claims, and its replay counts what really happens."""

from __future__ import annotations

import json
from collections import Counter

from bench import savings
from bench.savings import Replay, sample
from tests.conftest import Platform


def test_the_sample_has_the_mix_that_it_claims() -> None:
    rows = sample()
    seen = [json.dumps(row, sort_keys=True) for row in rows]
    assert len(seen) - len(set(seen)) == len(rows) / 4, "a quarter are repeats"
    tasks = Counter(row["task"] for row in rows)
    assert tasks["summarize"] + tasks["classify"] == len(rows) * 0.5
    assert tasks["generate"] == len(rows) * 0.3
    assert tasks["synthesize"] == len(rows) * 0.2


def test_a_replay_counts_calls_where_they_arrive_and_costs_as_they_are_charged(understudy: Platform) -> None:
    """One request of each task, all of them twice."""
    one = {row["task"]: row for row in reversed(sample())}
    platform = savings.Platform(understudy.url, understudy.key, understudy.understudy)
    plain = platform.replay([*one.values(), *one.values()], Replay("", cached=False))
    kept = platform.replay([*one.values(), *one.values()], Replay("", cached=True))
    assert (plain.calls, plain.hits, kept.calls, kept.hits) == (8, 0, 4, 4)
    assert set(kept.costs) == set(one)
    assert plain.cost == kept.cost * 2 > 0
