"""All keys, and all accounts that they spend from: what an operator looks over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from accounts import figures
from llm_core import keys as stored
from llm_core import public
from llm_core.accounts import standing, tree
from llm_core.accounts.tree import KINDS, Account
from llm_core.errors import NotFound
from llm_core.keys import Key
from llm_core.money import usd
from llm_core.roll_ups import projection, sums
from llm_core.roll_ups.contribution import ALL


def keys() -> Iterator[Key]:
    """All of them, in no order; the table of keys is read whole. Raises StoreUnavailable."""
    return stored.every()


def accounts() -> list[Account]:
    """Every account that a key spends from, and the purse of what is open to anybody. Raises StoreUnavailable."""
    found: dict[str, Account] = {}
    for name in [*(key.account for key in keys() if not key.revoked_at), public.PURSE]:
        above: str | None = name
        while above is not None and above not in found:
            try:
                found[above] = tree.find(above)
            except NotFound:  # nobody has asked a demo yet
                break
            above = found[above].parent
    return sorted(found.values(), key=lambda account: (account.name.startswith("key:"), account.name))


def budgets(now: float) -> dict[str, Any]:
    """`{asOf, accounts: [{account, parent, windows}], projections: [{userId, ...}], byok: {platform, own}}`.

    Money in USD. Of accounts only those that have a limit; projections of everybody who spent something lately.
    Raises StoreUnavailable.
    """
    limited = [account for account in accounts() if account.limits]
    moment = datetime.fromtimestamp(now, UTC)
    ahead, whose = _this_month(moment)
    return {
        "asOf": figures.moment(moment),
        "accounts": [
            {
                "account": account.name,
                "parent": account.parent,
                "windows": {
                    kind: figures.window(standing.of(account, kind, now)) for kind in KINDS if kind in account.limits
                },
            }
            for account in limited
        ],
        "projections": ahead,
        "byok": whose,
    }


def _this_month(now: datetime) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What each user's month will have cost, the dearest first; and whose provider keys served this month."""
    spent: dict[str, dict[date, int]] = {}
    whole = sums.Sums()
    for cell in sums.cells(ALL, "day", projection.since(now.date()), now.date()):
        day = date.fromisoformat(cell.labels["day"])
        by_day = spent.setdefault(cell.labels["user"], {})
        by_day[day] = by_day.get(day, 0) + cell.counters.get("charged", 0)
        if (day.year, day.month) == (now.year, now.month):
            whole.counters.update(cell.counters)
    ahead = sorted(((projection.project(days, now), user) for user, days in spent.items()), key=_dearest)
    told = [
        {
            "userId": user,
            "month": found.month,
            "spent": float(usd(found.spent)),
            "projected": float(usd(found.projected)),
            "basis_days": found.basis_days,
        }
        for found, user in ahead
    ]
    own = {"attempts": whole["byok"], "tokens": whole["byokTokens"], "charged": 0.0}
    platform = {
        "attempts": whole["attempts"] - whole["byok"],
        "tokens": whole.tokens - whole["byokTokens"],
        "charged": float(usd(whole["charged"])),
    }
    return told, {"platform": platform, "own": own}


def _dearest(each: tuple[projection.Projection, str]) -> tuple[int, str]:
    return -each[0].projected, each[1]
