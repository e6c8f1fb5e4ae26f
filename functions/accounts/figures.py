"""Keys, limits and spending as JSON shows them: amounts in USD, times in UTC, never a secret."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from accounts.thresholds import PERCENT
from llm_core.accounts import standing
from llm_core.accounts.standing import Standing
from llm_core.accounts.tree import KINDS, Account
from llm_core.callers import Caller
from llm_core.keys import Key
from llm_core.money import usd


def key(found: Key, account: Account, caller: Caller | None = None) -> dict[str, Any]:
    """What a key may. Which key it was made by is told of those below the caller's, or to a person."""
    terms, above = found.terms, found.parent.removeprefix("key:")
    return {
        "keyId": found.key_id,
        "name": found.name,
        "userId": found.user_id,
        "madeBy": above if caller is None or found.key_id != caller.key_id else None,
        "scopes": sorted(terms.scopes),
        "models": None if terms.models is None else list(terms.models),
        "monthlyBudget": amount(account.limits.get("month")),
        "dailyCap": amount(account.limits.get("day")),
        "requestsPerMinute": terms.requests_per_minute,
        "tokensPerMinute": terms.tokens_per_minute,
        "policy": terms.policy,
        "providers": list(found.providers),
        "createdAt": found.created_at,
        "expiresAt": moment(terms.expires_at),
        "revokedAt": found.revoked_at,
    }


def spending(account: Account, now: float) -> dict[str, dict[str, Any]]:
    """How the account stands, per kind of window: in each that is limited, and in the month."""
    kinds = [kind for kind in KINDS if kind == "month" or kind in account.limits]
    return {kind: window(standing.of(account, kind, now)) for kind in kinds}


def window(found: Standing) -> dict[str, Any]:
    """`alerts` are the percents of the limit that the spending has reached."""
    return {
        "limit": amount(found.limit),
        "spent": amount(found.spent),
        "reserved": amount(found.held),
        "remaining": amount(found.remaining),
        "period": found.label,
        "resetsAt": moment(found.end),
        "alerts": [percent for percent in reversed(PERCENT) if _reached(found, percent)],
    }


def _reached(found: Standing, percent: int) -> bool:
    return found.limit is not None and found.spent * 100 >= found.limit * percent


def amount(nano: int | None) -> float | None:
    """Fifteen digits, which a JSON number carries exactly: any amount below a million USD."""
    return None if nano is None else float(usd(nano))


def moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
