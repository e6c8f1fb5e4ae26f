"""What a person should know, once per episode: kept in the health table, published to the alerts topic.

The topic's e-mails get it in words, its other subscribers as JSON.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from llm_core.aws import claims, clients, expiring, telemetry, tracing
from llm_core.errors import Misconfigured, StoreUnavailable
from llm_core.notices import notice
from llm_core.settings import settings

EPISODE_SECONDS = 15 * 60
"""An episode ends when nothing of its kind has happened for this long."""


@tracing.span("alert")
def raise_once(kind: str, subject: str, **facts: str | int) -> bool:
    """Tell it if this is a new episode of `kind` about `subject`; True if it was told.

    Facts carry no prompt and no key. Trouble in telling is logged and never reaches the request.
    """
    now = int(time.time())
    name = f"episode#{kind}#{subject}"
    try:
        if not expiring.touch(settings().need("health_table_name"), name, now=now, until=now + EPISODE_SECONDS):
            return False
    except (StoreUnavailable, Misconfigured):
        telemetry.logger.exception("alert episode not kept", extra={"event": "alert_lost", "alert": kind})
        return False
    alert = _alert(kind, subject, facts)
    _log(alert)
    try:
        _publish(alert)
    except (StoreUnavailable, Misconfigured):
        telemetry.logger.exception("alert not published", extra={"event": "alert_lost", "alert": kind})
        with suppress(StoreUnavailable):  # else the episode ends by itself
            expiring.forget(settings().need("health_table_name"), name)
    return True


def insist_once(kind: str, subject: str, *, episode: str, lasts: int, lease: float, **facts: str | int) -> bool:
    """Tell it, unless this `episode` of it was told within `lasts` seconds; True if it was told now.

    For a door that is invoked again when it fails, for at most `lease` seconds each time: trouble is raised, as
    Claimed, StoreUnavailable or Misconfigured, and nothing counts as told that was not.
    """
    alert = _alert(kind, subject, facts)
    name = f"episode#{kind}#{subject}#{episode}"
    health = settings().need("health_table_name")
    told = claims.once(health, name, lambda: _publish(alert), lease=lease, lasts=lasts)
    if told:
        _log(alert)
    return told


def _alert(kind: str, subject: str, facts: dict[str, str | int]) -> dict[str, str | int]:
    return {"kind": kind, "subject": subject, "at": datetime.now(UTC).isoformat(timespec="seconds"), **facts}


def _log(alert: dict[str, str | int]) -> None:
    telemetry.logger.warning("alert", extra={"event": "alert", "alert": alert})
    telemetry.measure({"stage": settings().stage, "alert": str(alert["kind"])}, Alerts=(1, "Count"))


def _publish(alert: dict[str, Any]) -> None:
    """Raises StoreUnavailable when the topic does not take it, Misconfigured without one."""
    words = notice(alert)
    heading = words.title.encode("ascii", "ignore").decode()  # SNS takes no other characters in a subject
    try:
        clients.sns().publish(
            TopicArn=settings().need("alerts_topic_arn"),
            Subject=f"Drey: {heading}"[:99],
            MessageStructure="json",
            Message=json.dumps({"default": json.dumps(alert), "email": words.text}),
        )
    except clients.FAILURES as error:
        raise StoreUnavailable("The alerts topic did not take an alert.") from error
