"""A budget that refuses calls is used up, though hardly ever spent to the last cent: people are told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from llm_core import alerts, money
from llm_core.aws import telemetry
from llm_core.aws.claims import Claimed
from llm_core.errors import BudgetExceeded, Misconfigured, StoreUnavailable
from llm_core.settings import settings

SHARE = 5
"""More than a fifth of the limit is left: then the request was large, and the budget is not used up."""

_LEASE_SECONDS = 10
_SECONDS_A_DAY = 86_400
_EVER = 10 * 365 * _SECONDS_A_DAY


@contextmanager
def told() -> Iterator[None]:
    """Inside, a refusal for a budget that is used up is told as its 100 %, once a window and limit."""
    try:
        yield
    except BudgetExceeded as refusal:
        if settings().budget_alerts_enabled and "limit_id" in refusal.details:
            _tell(refusal)
        raise


def _tell(refusal: BudgetExceeded) -> None:
    """Trouble in telling is logged and never reaches the request. A run tells its end itself."""
    facts = {name: str(value) for name, value in refusal.details.items()}
    account, _, window = facts["limit_id"].rpartition("#")
    limit, left = money.nano(facts["limit"]), money.nano(facts["remaining"])
    if account.startswith("run:") or left * SHARE > limit:
        return
    end = facts.get("window_end")
    lasts = int(datetime.fromisoformat(end).timestamp() - time.time()) if end else _EVER
    try:
        alerts.insist_once(
            "budget",
            account,
            episode=f"{window}#100#{limit}",
            lasts=max(lasts, _SECONDS_A_DAY),
            lease=_LEASE_SECONDS,
            window=window,
            percent=100,
            spent_usd=money.plain(limit - left),
            limit_usd=facts["limit"],
        )
    except Claimed:
        return  # somebody else is telling it
    except (StoreUnavailable, Misconfigured):
        telemetry.logger.exception("alert not told", extra={"event": "alert_lost", "alert": "budget"})
