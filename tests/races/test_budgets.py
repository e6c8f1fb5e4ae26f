"""Budgets cannot be overspent: many processes at a budget's edge, whatever dies, over tables that fail as AWS' may.

This is the small race; `make races` runs the whole matrix.
"""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from tests.conftest import Platform, fresh
from tests.races import race
from tests.races.conftest import Strict
from tests.races.plan import Account, Plan

WEATHER = {
    "throttled": 0.05,
    "reset": 0.02,
    "lost": 0.03,
    "slow": 0.03,
    "hold_back_s": 0.005,
}


def test_three_accounts_one_of_them_split_while_everything_dies(
    understudy: Platform, strict: Strict, tmp_path: Path
) -> None:
    name = uuid4().hex[:8]
    org, team = f"org:{name}", f"team:{name}"
    plan = Plan(
        folder=str(tmp_path),
        user=f"user-{name}",
        model=fresh("alone"),
        accounts=[Account(org, None, 200_000_000), Account(team, org, 150_000_000, shards=4)],
        keys=4,
        key_month=100_000_000,
        moved=[org, team, "key"],
        frozen=1,
        seconds=10,
    )
    outcome = race.run(understudy, strict, plan, WEATHER, lambda _counts: None)
    assert outcome.trial.violations == []
    assert outcome.answered > 0
    assert outcome.refused > 0
    assert outcome.killed > 0
    assert outcome.swept > 0
