"""Events of a run as frames of the live socket."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from live import frames, steps
from llm_core.runs.events import Event


@given(st.text(max_size=50), st.integers(0, 60_000))
def test_no_frame_is_larger_than_one_that_api_gateway_counts_once(word: str, times: int) -> None:
    event = Event("observation", {"toolOutput": word * (times // max(len(word), 1))}, seq=7)
    made = steps.step("run-1", event)
    told = json.loads(made)
    assert len(made) <= frames.MOST_BYTES
    assert (told["type"], told["runId"], told["seq"], told["data"]["type"]) == ("step", "run-1", 7, "observation")
    assert ("omitted" in told["data"]) != ("toolOutput" in told["data"])


def test_the_last_event_is_the_end_and_money_is_in_usd() -> None:
    told = json.loads(steps.step("run-1", Event("done", {"status": "succeeded", "costNano": 1_500_000}, seq=9)))
    assert (told["type"], told["data"]) == ("done", {"type": "done", "status": "succeeded", "cost": 0.0015})
