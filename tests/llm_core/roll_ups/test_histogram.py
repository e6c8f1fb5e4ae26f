"""Percentiles out of classes: within ten percent of the true ones, and the same however the classes were added up."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from llm_core.roll_ups.histogram import BOUNDS_MS, bound, percentile

LATENCIES = st.lists(st.integers(0, BOUNDS_MS[-1]), min_size=1, max_size=200)


@given(LATENCIES, st.sampled_from([1, 50, 95, 99, 100]))
def test_a_percentile_is_within_ten_percent_of_the_true_one(latencies: list[int], percent: int) -> None:
    true = sorted(latencies)[-(-len(latencies) * percent // 100) - 1]
    read = percentile(Counter(map(bound, latencies)), percent)
    assert read is not None
    assert abs(read - true) <= max(0.1 * true, 1)


def test_nothing_measured_has_no_percentile() -> None:
    assert percentile({}, 95) is None
    assert percentile({1024: 0}, 95) is None, "a class whose rows were all corrected away"


def test_a_latency_longer_than_the_longest_is_in_the_last_class() -> None:
    assert bound(10**9) == BOUNDS_MS[-1]
    assert bound(0) == bound(1) == 1


def test_the_classes_never_change() -> None:
    """Their bounds are names of counters that are kept for months: other bounds would mix two histograms."""
    assert (len(BOUNDS_MS), BOUNDS_MS[:6], BOUNDS_MS[-1]) == (76, (1, 2, 3, 4, 5, 6), 2**20)
