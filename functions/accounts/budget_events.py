"""Stream of the budgets table: somebody is told when 50, 80 and 100 % of a window's limit are spent.

Once a window, account, threshold and limit, however often and late a change is delivered; of thresholds that are
reached at once the highest. A limit that is changed is another limit: its thresholds are told when spending reaches
them, those of the old limit are not told again should it come back.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from accounts.thresholds import Reached, Thresholds
from llm_core import alerts
from llm_core.aws import streams, telemetry
from llm_core.money import plain
from llm_core.settings import settings

SECONDS_A_DAY = 86_400

settings()  # a wrong environment stops the door at its start


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Raises what passes (StoreUnavailable, Claimed): the batch comes again, and nothing of it is told twice."""
    failed: list[str] = []
    if not settings().budget_alerts_enabled:
        return streams.answer(failed)
    with telemetry.request(request_id=context.aws_request_id):
        thresholds = Thresholds()
        for number, old, new in streams.changed(event):
            try:
                reached = thresholds.reached(old, new)
            except (KeyError, TypeError):
                facts = {"event": "budget_event_unreadable", "item": new.get("userId")}
                telemetry.logger.exception("a window that cannot be read", extra=facts)
                failed.append(number)
                continue
            if reached:
                _tell(reached, lease=context.get_remaining_time_in_millis() / 1000)
    return streams.answer(failed)


def _tell(reached: Reached, *, lease: float) -> None:
    """Tell it; it is remembered for as long as the window is kept."""
    alerts.insist_once(
        "budget",
        reached.account,
        episode=f"{reached.window}#{reached.percent}#{reached.limit}",
        lasts=max(reached.until - int(time.time()), SECONDS_A_DAY),
        lease=lease,
        window=reached.window,
        percent=reached.percent,
        spent_usd=plain(reached.spent),
        limit_usd=plain(reached.limit),
    )
