"""What a person should know, once per episode: kept in the health table, published to the alerts topic."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

from llm_core.aws import clients, table, telemetry
from llm_core.errors import Misconfigured, StoreUnavailable
from llm_core.settings import settings

EPISODE_SECONDS = 15 * 60
"""An episode ends when nothing of its kind has happened for this long."""


def raise_once(kind: str, subject: str, **facts: str | int) -> bool:
    """Tell it if this is a new episode of `kind` about `subject`; True if it was told.

    Facts carry no prompt and no key. Trouble in telling is logged and never reaches the request.
    """
    now = int(time.time())
    name = f"episode#{kind}#{subject}"
    try:
        if not table.touch(settings().need("health_table_name"), name, now=now, until=now + EPISODE_SECONDS):
            return False
    except (StoreUnavailable, Misconfigured):
        telemetry.logger.exception("alert episode not kept", extra={"event": "alert_lost", "alert": kind})
        return False
    alert = {"kind": kind, "subject": subject, "at": datetime.now(UTC).isoformat(timespec="seconds"), **facts}
    telemetry.logger.warning("alert", extra={"event": "alert", "alert": alert})
    telemetry.measure({"alert": kind}, Alerts=(1, "Count"))
    if not _publish(alert):
        table.forget(settings().need("health_table_name"), name)
    return True


def _publish(alert: dict[str, str | int]) -> bool:
    try:
        clients.sns().publish(
            TopicArn=settings().need("alerts_topic_arn"),
            Subject=f"Drey: {alert['kind']}"[:100],
            Message=json.dumps(alert),
        )
    except (*clients.FAILURES, Misconfigured):
        telemetry.logger.exception("alert not published", extra={"event": "alert_lost", "alert": alert["kind"]})
        return False
    return True
