"""The small soak; `make soak-streams` reads 2,000 streams and writes docs/benchmarks/streams.md."""

from __future__ import annotations

from itertools import pairwise

import pytest

from llm_core import keys
from llm_core.keys import Terms
from tests.conftest import Platform, fresh
from tests.soaks.soak import Soak, arrivals, paced


def test_sixty_streams_of_which_some_are_left_are_booked_as_they_were_sold(
    inside: Platform, understudy: Platform
) -> None:
    soak = Soak(understudy, {"gpt": fresh("gpt"), "alone": fresh("alone")})
    with paced(understudy, first_token_s=0.01, between_tokens_s=0.01):
        outcome = soak.run(60, at_once=20, leaving=0.4)
    assert outcome.violations == []
    assert outcome.refused < 20
    assert outcome.left > 5
    assert outcome.whole > 10
    assert outcome.rss, "the doors' process was found"
    assert outcome.sold <= outcome.booked <= outcome.ceilings


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize("family", ["gpt", "alone"])
def test_words_that_are_said_one_after_the_other_arrive_so(
    inside: Platform, understudy: Platform, path: str, family: str
) -> None:
    key = keys.create("arrivals", user_id="soaker", terms=Terms({"ai:complete"}))
    with paced(understudy, first_token_s=0.1, between_tokens_s=0.1):
        came = arrivals(understudy, key, path, fresh(family))
    gaps = [later - earlier for earlier, later in pairwise(came)]
    assert sum(gap > 0.05 for gap in gaps) >= 5, "of some ten words; a slow machine may let two of them meet"
