"""Who is calling: API keys, kept as salted hashes and found by their public id.

A key is `sk-proj-` + 12 characters of public id + 43 characters of secret (256 bits). The first 20 characters are
the keyId: it may be logged, and secret scanners know the prefix.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Literal

from llm_core.aws import table, telemetry, tracing
from llm_core.errors import InsufficientScope, Unauthorized
from llm_core.settings import settings

SCOPES = frozenset({"ai:complete", "ai:embed", "agent:run", "usage:read", "budget:write", "keys:write"})

Policy = Literal["clamp", "refuse"]

CACHE_SECONDS = 30
"""How long a key that was found is believed: a revocation counts within this time (the promise is 60 s)."""

_CACHE_SIZE = 1_000
_SHAPE = re.compile(r"(sk-proj-[A-Za-z0-9]{12})[A-Za-z0-9_-]{43}")
_REFUSED = "This API key is not valid here. Send a key of this platform: `Authorization: Bearer <key>`."


@dataclass(frozen=True, slots=True)
class Caller:
    """A key that proved itself. `user_id` owns its usage rows. `models` are those it may name, None for all, `bounds`
    those of each key above it that has such a list; the rates are per minute, None for none; `policy` says whether an
    answer may be shortened to what is affordable. `run`: the agent's run that it calls for, where that has a budget of
    its own, which then pays too."""

    key_id: str
    user_id: str
    scopes: frozenset[str]
    models: tuple[str, ...] | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    policy: Policy = "clamp"
    providers: tuple[str, ...] = ()
    run: str = ""
    bounds: tuple[tuple[str, ...], ...] = ()

    @property
    def account(self) -> str:
        """Who pays first."""
        return f"key:{self.key_id}"

    def require(self, *scopes: str) -> None:
        """Any one of these suffices. Raises InsufficientScope, naming the first."""
        if self.scopes.isdisjoint(scopes):
            raise InsufficientScope(scopes[0])


@tracing.span("identify")
def identify(api_key: str | None) -> Caller:
    """The caller behind a key. Raises Unauthorized, without saying why, or StoreUnavailable."""
    shape = _SHAPE.fullmatch(api_key or "")
    if shape is None or api_key is None:
        raise Unauthorized(_REFUSED)
    item = _find(shape[1])
    if item is not None and not _proves(api_key, item):
        item = _find(shape[1], again=True)  # a key that was given another secret works with it at once
    if item is None or not _proves(api_key, item):
        raise Unauthorized(_REFUSED)
    return _caller(shape[1], item)


@tracing.span("identify")
def vouched(key_id: str, run: str = "") -> Caller:
    """The caller behind a key that proved itself when it began what now goes on without it.

    Raises Unauthorized when the key was revoked or has expired meanwhile, StoreUnavailable.
    """
    item = _find(key_id)
    if item is None:
        raise Unauthorized(_REFUSED)
    return replace(_caller(key_id, item), run=run)


def _caller(key_id: str, item: table.Item) -> Caller:
    """What the key may, which is never more than each key above it may now. One that is over ends those below it."""
    line = [item, *_above(item)]
    now = time.time()
    if any(each.get("revokedAt") or (each.get("expiresAt") or now + 1) <= now for each in line):
        raise Unauthorized(_REFUSED)
    lists = [tuple(each["models"]) for each in line[1:] if each.get("models") is not None]
    models = item.get("models")
    return Caller(
        key_id,
        item["userId"],
        frozenset.intersection(*(frozenset(each["scopes"]) for each in line)),
        models=None if models is None else tuple(models),
        requests_per_minute=_least(line, "requestsPerMinute"),
        tokens_per_minute=_least(line, "tokensPerMinute"),
        policy=item.get("policy", "clamp"),
        providers=tuple(item.get("providers", ())),
        bounds=tuple(lists),
    )


def _above(item: table.Item) -> Iterator[table.Item]:
    """The keys above, nearest first: each is one read, and then believed for as long as any key."""
    while (parent := item.get("parent") or "").startswith("key:"):
        found = _find(parent.removeprefix("key:"))
        if found is None:
            raise Unauthorized(_REFUSED)
        item = found
        yield item


def _least(line: Sequence[table.Item], rate: str) -> int | None:
    return min((each[rate] for each in line if each.get(rate) is not None), default=None)


def admit(api_key: str | None, *scopes: str) -> Caller:
    """Who is calling, with any of these scopes if some are named, and from here on in the log too.

    Raises Unauthorized, InsufficientScope, StoreUnavailable.
    """
    caller = identify(api_key)
    telemetry.label(key_id=caller.key_id, user_id=caller.user_id)
    if scopes:
        caller.require(*scopes)
    return caller


def hashed(salt: bytes, secret: str) -> str:
    """One round suffices: the secret is 256 random bits, not a password."""
    return hashlib.sha256(salt + secret.encode()).hexdigest()


def forget(key_id: str) -> None:
    """The key has changed: this process looks again at once, others within CACHE_SECONDS."""
    with _lock:
        _found.pop(key_id, None)


def _proves(api_key: str, item: table.Item) -> bool:
    return hmac.compare_digest(hashed(bytes.fromhex(item["salt"]), api_key[20:]), item["hash"])


_found: dict[str, tuple[float, table.Item]] = {}
_lock = Lock()


def _find(key_id: str, *, again: bool = False) -> table.Item | None:
    """The key's item. Only found keys are remembered: a new key works at once."""
    now = time.monotonic()
    with _lock:
        until, item = _found.get(key_id, (0.0, {}))
    if until > now and not again:
        return item
    fresh = table.get(settings().need("keys_table_name"), {"keyId": key_id})
    with _lock:
        if fresh is None:
            _found.pop(key_id, None)
        else:
            if len(_found) >= _CACHE_SIZE:
                _found.clear()
            _found[key_id] = (now + CACHE_SECONDS, fresh)
    return fresh
