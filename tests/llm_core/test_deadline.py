"""One deadline per request."""

import pytest

from llm_core.deadline import Deadline
from llm_core.errors import DeadlineExceeded


def test_a_deadline_knows_what_is_left() -> None:
    assert 59 < Deadline.after(60).remaining() <= 60


def test_a_deadline_that_has_passed_says_so() -> None:
    with pytest.raises(DeadlineExceeded):
        Deadline.after(-0.001).remaining()
