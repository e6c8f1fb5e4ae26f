"""How far the judge agrees with people: a judge that is right by saying always the same is no judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from evals.play import Agreement

LEAST_KAPPA = 0.6
"""Cohen's kappa from here on is called substantial (Landis and Koch, 1977)."""


@dataclass(frozen=True, slots=True)
class Figures:
    """`kappa`: agreement beyond what chance gives; 0 for whoever always says the same."""

    cases: int
    agreed: int
    wrongly_passed: int
    wrongly_failed: int
    kappa: float

    @property
    def complaint(self) -> str:
        """Why this judge may judge nothing; empty for one that may."""
        if self.kappa >= LEAST_KAPPA:
            return ""
        return (
            f"agrees with people in {self}, below {LEAST_KAPPA}: it wrongly passes {self.wrongly_passed} and wrongly "
            f"fails {self.wrongly_failed}, so its verdicts mean nothing. Change prompts/judge.toml or the role `judge`"
        )

    def __str__(self) -> str:
        return f"{self.agreed} of {self.cases} cases, kappa {self.kappa:.2f}"


def figures(agreements: Iterable[Agreement]) -> Figures:
    """Of verdicts with what people say of the same answers."""
    counts = Counter(agreements)
    total = counts.total()
    both, neither = counts["pass-pass"], counts["fail-fail"]
    wrongly_passed, wrongly_failed = counts["fail-pass"], counts["pass-fail"]
    people, judge = both + wrongly_failed, both + wrongly_passed
    chance = (people * judge + (total - people) * (total - judge)) / total**2 if total else 1.0
    observed = (both + neither) / total if total else 0.0
    kappa = (observed - chance) / (1 - chance) if chance < 1 else 0.0
    return Figures(total, both + neither, wrongly_passed, wrongly_failed, kappa)
