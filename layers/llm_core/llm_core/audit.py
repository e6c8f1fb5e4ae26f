"""What was administered: who did what to whom, before and after, written in the act's own transaction."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from llm_core.aws.writes import Write, new
from llm_core.settings import settings

OPERATOR = "operator"
"""Whoever acts with the AWS account's own credentials."""


def look(user: str, what: str, *, by: str) -> Write:
    """The row of a look at what is everybody's, in the partition of the one who looks: one for each hour, more fail."""
    row = {
        "account": user,
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H}#{what}",
        "by": by,
        "what": "admin.read",
        "subject": what,
        "before": {},
        "after": {},
    }
    return new(settings().need("audit_table_name"), row, key="account")


def act(user: str, *, by: str, what: str, subject: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Write:
    """The row of one act: `by` a keyId or `operator`, in the partition of the user whom it concerns."""
    row = {
        "account": user,
        "at": f"{datetime.now(UTC).isoformat(timespec='microseconds')}#{secrets.token_hex(4)}",
        "by": by,
        "what": what,
        "subject": subject,
        "before": dict(before),
        "after": dict(after),
    }
    return new(settings().need("audit_table_name"), row, key="account")
