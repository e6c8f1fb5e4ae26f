"""What a key may, and what it may hand on to a key below it: never more than it may itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from llm_core import routing
from llm_core.accounts.tree import Account
from llm_core.accounts.window import UNLIMITED, Kind
from llm_core.aws.stage_catalog import catalog
from llm_core.aws.table import Item
from llm_core.callers import SCOPES, Policy
from llm_core.errors import InvalidRequest, ModelNotFound, NotAllowed
from llm_core.money import plain

LIMITS: Mapping[Kind, str] = {"month": "monthlyBudget", "day": "dailyCap", "total": "total"}
"""What the limit of each kind of window is called by those who set it."""


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

    @classmethod
    def of(cls, item: Item) -> Self:
        """From the key's item: all but the limits, which are its account's."""
        models, expires = item["models"], item["expiresAt"]
        return cls(
            frozenset(item["scopes"]),
            requests_per_minute=item["requestsPerMinute"],
            tokens_per_minute=item["tokensPerMinute"],
            models=None if models is None else tuple(models),
            expires_at=None if expires is None else datetime.fromtimestamp(expires, UTC),
            policy=item["policy"],
        )

    @property
    def stored(self) -> dict[str, Any]:
        """As on the key's item."""
        return {
            "scopes": sorted(self.scopes),
            "requestsPerMinute": self.requests_per_minute,
            "tokensPerMinute": self.tokens_per_minute,
            "models": None if self.models is None else list(self.models),
            "expiresAt": int(self.expires_at.timestamp()) if self.expires_at else None,
            "policy": self.policy,
        }

    @property
    def asked(self) -> dict[str, Any]:
        """Field by field, without the limits: as `within` reads them."""
        names = ("scopes", "requests_per_minute", "tokens_per_minute", "models", "expires_at", "policy")
        return {name: getattr(self, name) for name in names}


def told(limits: Mapping[Kind, int]) -> dict[str, str]:
    """Limits as plain USD under the names that people know, for the audit table."""
    return {LIMITS[kind]: plain(limit) for kind, limit in limits.items()}


def check(asked: Mapping[str, Any]) -> None:
    """Raises InvalidRequest for a scope or a model that there is not."""
    for number, scope in enumerate(asked.get("scopes") or ()):
        if scope not in SCOPES:
            words = f"scopes: {str(scope)[:60]!r} is none. Scopes are {', '.join(sorted(SCOPES))}."
            raise InvalidRequest(words, param=f"scopes[{number}]")
    for number, model in enumerate(asked.get("models") or ()):
        try:
            routing.resolve(model, catalog())
        except ModelNotFound as error:
            raise InvalidRequest(f"models: {error.message}", param=f"models[{number}]") from error


def within(bound: Terms, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The fields asked for, each None being as much as the bound has. Raises NotAllowed, naming the one that is more.

    The bound is the key above; for a key that changes itself, that key as it is.
    """
    given = dict(asked)
    if more := set(given.get("scopes") or ()) - set(bound.scopes):
        raise _more("scopes", f"it has no {', '.join(sorted(more))}")
    for name, told_as in (("requests_per_minute", "requestsPerMinute"), ("tokens_per_minute", "tokensPerMinute")):
        if name in given:
            given[name] = _at_most(getattr(bound, name), given[name], told_as)
    if "expires_at" in given:
        given["expires_at"] = _at_most(bound.expires_at, given["expires_at"], "expiresAt")
    if "models" in given and bound.models is not None:
        given["models"] = given["models"] or bound.models
        if beyond := _beyond(bound.models, given["models"]):
            raise _more("models", f"it may not use {', '.join(beyond)}")
    return given


def cut(bound: Terms, terms: Terms) -> Terms:
    """The terms without what is beyond the bound: what becomes of a key when the one above it may less."""
    models = terms.models
    if bound.models is not None:
        beyond = _beyond(bound.models, models or ())
        models = bound.models if models is None else tuple(name for name in models if name not in beyond)
    return Terms(
        frozenset(terms.scopes) & frozenset(bound.scopes),
        requests_per_minute=_least(bound.requests_per_minute, terms.requests_per_minute),
        tokens_per_minute=_least(bound.tokens_per_minute, terms.tokens_per_minute),
        models=models,
        expires_at=_least(bound.expires_at, terms.expires_at),
        policy=terms.policy,
    )


def check_limits(line: Sequence[Account], limits: Mapping[Kind, int | None]) -> None:
    """Raises NotAllowed for a limit above what the first account of this line can spend. None is no limit of its own:
    those above hold all the same."""
    for kind, limit in limits.items():
        most = min((account.limit(kind) for account in line), default=UNLIMITED)
        if limit is not None and limit > most:
            raise _more(LIMITS[kind], f"it has {plain(most)} USD")


def check_lowered(account: Account, limits: Mapping[Kind, int | None]) -> None:
    """Raises NotAllowed for a limit that a key would raise for itself."""
    for kind, limit in limits.items():
        if (UNLIMITED if limit is None else limit) > account.limit(kind):
            raise _more(LIMITS[kind], f"it has {plain(account.limit(kind))} USD")


def _at_most[T: (int, datetime)](bound: T | None, asked: T | None, name: str) -> T | None:
    if bound is None or asked is None:
        return bound if asked is None else asked
    if asked > bound:
        raise _more(name, f"it has {bound}")
    return asked


def _least[T: (int, datetime)](bound: T | None, own: T | None) -> T | None:
    if bound is None or own is None:
        return own if bound is None else bound
    return min(bound, own)


def _beyond(allowed: Sequence[str], names: Sequence[str]) -> list[str]:
    """Those of the names that stand for a model which none of the allowed ones stands for; and those that stand for
    nothing today and are not allowed by this name: what they may stand for one day was not given."""
    may = routing.models(allowed, catalog())
    return [name for name in names if name not in allowed and not set() < routing.models([name], catalog()) <= may]


def _more(field: str, has: str) -> NotAllowed:
    error = NotAllowed(f"{field}: a key gives no more than it has itself, and {has}.")
    error.param = field
    return error
