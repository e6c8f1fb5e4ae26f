"""API keys are made, each with an account below the one that makes it, and written down in the audit table."""

from __future__ import annotations

import secrets
import string
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from llm_core import audit
from llm_core.accounts import tree
from llm_core.accounts.tree import Account
from llm_core.accounts.window import Kind
from llm_core.aws import table
from llm_core.aws.writes import ConditionFailed, new, together
from llm_core.callers import SCOPES, Policy, hashed
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest, NotAllowed
from llm_core.money import plain
from llm_core.settings import settings

_PUBLIC = string.ascii_letters + string.digits
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What a key may: its scopes, its limits in nano-USD per kind of window, rates per minute and models; None is no
    limit. `policy`: whether an answer may be shortened to what is affordable."""

    scopes: Collection[str]
    limits: Mapping[Kind, int] = field(default_factory=dict)
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    models: tuple[str, ...] | None = None
    expires_at: datetime | None = None
    policy: Policy = "clamp"

    @property
    def stored(self) -> dict[str, Any]:
        """As on the key's item: all but the limits, which are its account's."""
        return {
            "scopes": sorted(self.scopes),
            "requestsPerMinute": self.requests_per_minute,
            "tokensPerMinute": self.tokens_per_minute,
            "models": None if self.models is None else list(self.models),
            "expiresAt": int(self.expires_at.timestamp()) if self.expires_at else None,
            "policy": self.policy,
        }

    @property
    def told(self) -> dict[str, Any]:
        """For the audit row: limits as plain USD."""
        return {**self.stored, "limits": {kind: plain(limit) for kind, limit in self.limits.items()}}


@dataclass(frozen=True, slots=True)
class NewKey:
    """`api_key` is shown once and kept nowhere."""

    key_id: str
    api_key: str


def create(name: str, *, user_id: str, terms: Terms, parent: str | None = None, by: str = audit.OPERATOR) -> NewKey:
    """Make a key for a user, its account below `parent` (else the user's own), and keep its hash.

    Raises InvalidRequest for an unknown scope, NotAllowed below a revoked key, StoreUnavailable.
    """
    unknown = sorted(set(terms.scopes) - SCOPES)
    if unknown:
        raise InvalidRequest(f"Unknown scope {unknown[0]!r}. Scopes are {', '.join(sorted(SCOPES))}.", param="scopes")
    above = parent or open_user(user_id)
    while True:
        key_id = "sk-proj-" + "".join(secrets.choice(_PUBLIC) for _ in range(12))
        secret = secrets.token_urlsafe(32)
        salt = secrets.token_bytes(16)
        item = {
            "keyId": key_id,
            "name": name,
            "userId": user_id,
            "parent": above,
            "salt": salt.hex(),
            "hash": hashed(salt, secret),
            "createdAt": datetime.now(UTC).isoformat(timespec="seconds"),
            **terms.stored,
        }
        steps = [
            new(settings().need("keys_table_name"), item, key="keyId"),
            *tree.opening(Account(f"key:{key_id}", above, terms.limits)),
            audit.act(user_id, by=by, what="key.create", subject=key_id, before={}, after={"name": name, **terms.told}),
        ]
        try:
            together(steps, Deadline.after(_SECONDS))
        except ConditionFailed as failure:
            if any(found and "keyId" in found for found in failure.items):
                continue  # one in 62^12: draw again
            raise NotAllowed("The account above this key is not open any more.") from failure
        return NewKey(key_id, key_id + secret)


def open_user(user_id: str, parent: str | None = None) -> str:
    """The user's account, opened now if there is none. Raises InvalidRequest for a name that cannot be one."""
    name = tree.check_name(f"user:{user_id}")
    if table.get(settings().need("budgets_table_name"), {"userId": name}) is None:
        try:
            together(tree.opening(Account(name, parent)), Deadline.after(_SECONDS))
        except ConditionFailed:
            return tree.find(name).name  # somebody else opened it
    return name
