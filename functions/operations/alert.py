"""Topic AlertsTopic: each alert is posted to Discord and Slack, once a channel.

SNS may deliver twice, and Lambda delivers again what failed: what a channel has taken is remembered for a day. An
alarm of CloudWatch that comes and goes is told again only after a quarter of an hour. When one channel fails, this
door does, after it tried the others; Lambda invokes it twice more, then the alert is kept in UndeliveredQueue.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llm_core import notices
from llm_core.aws import claims, telemetry, webhooks
from llm_core.aws.webhooks import NotDelivered
from llm_core.deadline import Deadline
from llm_core.errors import DreyError
from llm_core.settings import settings
from operations import chats

SECONDS_TO_END = 3.0
"""What is kept of the Lambda time-out for saying what failed."""

REMEMBERED_SECONDS = 86_400

ALARM_SECONDS = 15 * 60
"""For so long an alarm that comes and goes is told once: an episode, as alerts have them."""

settings()  # a wrong environment stops the door at its start


@dataclass(frozen=True, slots=True)
class Channel:
    """Where people read. `reference` names the secret with the webhook's address, `shape` makes its message."""

    name: str
    reference: str
    shape: Callable[..., dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Told:
    """By which `name` a channel's taking it is remembered, and for how long."""

    name: str
    seconds: int


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Raises NotDelivered, naming the channels that failed."""
    until = Deadline.after(context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_END)
    with telemetry.request(request_id=context.aws_request_id):
        failed = [name for record in event["Records"] for name in _failing(record["Sns"], until)]
    if failed:
        raise NotDelivered(f"An alert was not delivered to {' and '.join(failed)}.")


def _failing(message: Mapping[str, Any], until: Deadline) -> Iterator[str]:
    """Deliver to every channel, each in its share of the time; the names of those that failed."""
    alert = _alert(message["Message"])
    told = _told(alert, message)
    words = notices.notice(alert, message.get("Subject") or "")
    channels = _channels()
    for done, channel in enumerate(channels):
        share = Deadline.after(until.left / (len(channels) - done))
        try:
            _deliver(channel, told, channel.shape(words, stage=settings().stage, at=message["Timestamp"]), share)
        except DreyError as error:
            facts = {"event": "alert_not_delivered", "channel": channel.name, "error.type": error.code}
            telemetry.logger.exception("alert not delivered", extra=facts)
            yield channel.name


def _deliver(channel: Channel, told: Told, shaped: dict[str, Any], until: Deadline) -> None:
    claims.once(
        settings().need("health_table_name"),
        f"delivered#{told.name}#{channel.name}",
        lambda: webhooks.post(channel.reference, shaped, until),
        lease=until.left + SECONDS_TO_END,
        lasts=told.seconds,
    )


def _told(alert: Mapping[str, Any], message: Mapping[str, Any]) -> Told:
    """A message is one of its own, except that an alarm is the same whenever it goes off within its episode."""
    if "AlarmName" in alert:
        return Told(f"alarm:{alert['AlarmName']}", ALARM_SECONDS)
    return Told(message["MessageId"], REMEMBERED_SECONDS)


def _channels() -> list[Channel]:
    """Those that this stage uses."""
    known = [
        Channel("Discord", settings().discord_webhook_ref, chats.discord),
        Channel("Slack", settings().slack_webhook_ref, chats.slack),
    ]
    return [channel for channel in known if channel.reference]


def _alert(text: str) -> Mapping[str, Any]:
    """What was published, if it is one of ours: others, such as a CloudWatch alarm, have a subject that says it."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
