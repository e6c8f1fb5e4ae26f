"""A judge is as good as it agrees with people beyond chance."""

from __future__ import annotations

import pytest

from evals.agreement import figures
from evals.play import Agreement

RIGHT: list[Agreement] = ["pass-pass", "fail-fail"]


@pytest.mark.parametrize(
    ("verdicts", "kappa"),
    [
        (RIGHT * 5, 1.0),
        (["pass-pass", "fail-pass"] * 5, 0.0),
        (["pass-fail", "fail-fail"] * 5, 0.0),
        (["pass-fail", "fail-pass"] * 5, -1.0),
        ([*RIGHT * 4, "fail-pass", "pass-fail"], 0.6),
        ([], 0.0),
    ],
    ids=["always right", "always yes", "always no", "always wrong", "four of five", "nothing judged"],
)
def test_kappa_is_what_is_left_after_chance(verdicts: list[Agreement], kappa: float) -> None:
    assert figures(verdicts).kappa == pytest.approx(kappa)


def test_yes_to_all_is_no_judge_even_where_nearly_all_should_pass() -> None:
    """Nine of ten right, and worth nothing."""
    verdicts: list[Agreement] = ["pass-pass"] * 9
    told = figures([*verdicts, "fail-pass"])
    assert (told.agreed, told.cases) == (9, 10)
    assert "wrongly passes 1 and wrongly fails 0" in told.complaint


def test_a_judge_that_agrees_is_not_complained_about() -> None:
    told = figures([*RIGHT * 7, "pass-fail"])
    assert told.complaint == ""
    assert str(told).startswith("14 of 15 cases, kappa 0.8")
