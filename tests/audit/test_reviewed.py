"""A finding that nobody reviewed fails, and so does a review of what nobody finds."""

from __future__ import annotations

import pytest

from tests.audit.__main__ import unreviewed
from tests.audit.reviewed import BANDIT, CHECKOV, PARLIAMENT, Reviewed

REVIEWED: Reviewed = {"A": ("a reason", set()), "B": ("another", {"Here"})}


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        ({("A", "There"), ("B", "Here")}, []),
        ({("A", "There"), ("B", "Here"), ("B", "There")}, ["tool B: There is not reviewed"]),
        ({("A", "There"), ("B", "Here"), ("C", "Here")}, ["tool C: Here is not reviewed"]),
        ({("A", "There")}, ["tool B: nobody finds it any more; strike it"]),
    ],
)
def test_what_is_found_is_held_against_what_was_reviewed(found: set[tuple[str, str]], wrong: list[str]) -> None:
    assert unreviewed("tool", found, REVIEWED) == wrong


@pytest.mark.parametrize("reviewed", [BANDIT, CHECKOV, PARLIAMENT])
def test_every_review_has_a_reason(reviewed: Reviewed) -> None:
    assert all(reason for reason, _ in reviewed.values())
