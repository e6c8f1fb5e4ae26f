"""Moments at which something of ours is invoked, once: EventBridge Scheduler, in UTC, which no clock change moves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from llm_core.aws import clients
from llm_core.aws.table import unavailable


@dataclass(frozen=True, slots=True)
class Target:
    """A function, the role by which it is invoked, where an invocation is kept that failed for an hour, and the group
    in which its schedules are."""

    function: str
    role: str
    undelivered: str
    group: str


def put(name: str, at: datetime, event: Mapping[str, Any], target: Target) -> None:
    """Invoke it with this event at this second (UTC), instead of whenever it was before. Raises StoreUnavailable."""
    wanted: dict[str, Any] = {
        "Name": name,
        "GroupName": target.group,
        "ScheduleExpression": f"at({at:%Y-%m-%dT%H:%M:%S})",
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {
            "Arn": target.function,
            "RoleArn": target.role,
            "Input": json.dumps(event),
            "RetryPolicy": {"MaximumRetryAttempts": 20, "MaximumEventAgeInSeconds": 3_600},
            "DeadLetterConfig": {"Arn": target.undelivered},
        },
    }
    try:
        try:
            clients.scheduler().create_schedule(**wanted)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConflictException":
                raise
            clients.scheduler().update_schedule(**wanted)
    except clients.FAILURES as error:
        raise unavailable(error) from error


def remove(name: str, group: str) -> None:
    """One that is not there is fine. Raises StoreUnavailable."""
    try:
        clients.scheduler().delete_schedule(Name=name, GroupName=group)
    except clients.FAILURES as error:
        if not isinstance(error, ClientError) or error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise unavailable(error) from error
