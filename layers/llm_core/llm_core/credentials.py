"""A key's secret and what goes with it: another one, the end of the key, the provider keys that it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from llm_core import byok, callers, keyring, keys
from llm_core.accounts import tree
from llm_core.aws.writes import ConditionFailed, Write, together, update
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest, NotFound
from llm_core.keys import Key, NewKey
from llm_core.providers import directory


def rotate(key_id: str, by: str, deadline: Deadline) -> NewKey:
    """Another secret; the one before stops within 60 seconds. Raises NotFound, InvalidRequest for a revoked key."""
    while True:
        found = keyring.good(key_id)
        made, write = keys.resecreted(found)
        try:
            together([write, keyring.act(by, "key.rotate", found, {}, {})], deadline)
        except ConditionFailed:
            deadline.remaining()  # it was changed meanwhile
        else:
            callers.forget(key_id)
            return made


def revoke(key_id: str, by: str, deadline: Deadline) -> list[str]:
    """End the key and all below it, for good; the ids of those that end now, the named one first.

    It ends at once, and with it all below: a key is refused whose key above is revoked. Then nothing can be opened
    below any of them, what they keep is deleted, and each is revoked by itself. Where time is over before that is done,
    whoever is above it, or an operator, says it again, and it goes on. Raises NotFound, StoreUnavailable,
    DeadlineExceeded.
    """
    found, at = keys.find(key_id), keys.now()
    before = bool(found.revoked_at)
    if not before:
        steps = [keys.revoked(key_id, at, ending=True), tree.closing(found.account), tree.left(found.parent)]
        with suppress(ConditionFailed):  # it was revoked meanwhile
            together([*steps, _act(found, by, at)], deadline)
        callers.forget(key_id)
    ended = [] if before else [key_id]
    if not before or found.ending:
        ended += _end_below(found, by, deadline)
        _forget_kept(found)
        update(keys.ended(key_id), deadline)
    return ended


def provide(key_id: str, provider: str, secret: str, by: str, deadline: Deadline) -> None:
    """Keep a provider's key for this key's calls, in the place of the one before. Raises NotFound, InvalidRequest."""
    byok.check(provider, secret, param="apiKey")
    found = keyring.good(key_id)
    try:
        update(keys.storing(key_id, provider), deadline)  # so that the key's end finds it, whatever dies from here on
    except ConditionFailed as failure:
        raise InvalidRequest(keyring.REVOKED) from failure
    byok.store(key_id, provider, secret)
    try:
        _provided(found, provider, by, deadline, kept=True)
    except InvalidRequest:
        byok.forget(key_id, provider)
        raise


def withhold(key_id: str, provider: str, by: str, deadline: Deadline) -> None:
    """Delete the provider's key that is kept for this key, if there is one. Raises NotFound, InvalidRequest."""
    if provider not in directory.with_keys():
        raise NotFound(f"No key is kept for {provider[:60]!r}.")
    _provided(keyring.good(key_id), provider, by, deadline, kept=False)
    byok.forget(key_id, provider)


def _provided(found: Key, provider: str, by: str, deadline: Deadline, *, kept: bool) -> None:
    after = {*found.providers} | {provider} if kept else {*found.providers} - {provider}
    facts = {"providers": [*found.providers]}, {"providers": sorted(after)}
    act = keyring.act(by, "key.provide" if kept else "key.withhold", found, *facts)
    try:
        together([keys.provided(found.key_id, provider, kept=kept), act], deadline)
    except ConditionFailed as failure:
        raise InvalidRequest(keyring.REVOKED) from failure  # meanwhile
    callers.forget(found.key_id)


def _end_below(above: Key, by: str, deadline: Deadline) -> Iterator[str]:
    """Each key below, once all below that one are over; so what is revoked needs no second look, unless named."""
    for name in tree.find(above.account).children:
        if not name.startswith("key:"):
            continue
        deadline.remaining()
        found = keys.find(name.removeprefix("key:"))
        if found.revoked_at and not found.ending:
            continue
        update(tree.closing(name), deadline)
        yield from _end_below(found, by, deadline)
        _forget_kept(found)
        if found.ending:
            update(keys.ended(found.key_id), deadline)
            continue
        at = keys.now()
        with suppress(ConditionFailed):  # it was revoked meanwhile
            together([keys.revoked(found.key_id, at), tree.left(found.parent), _act(found, by, at)], deadline)
        callers.forget(found.key_id)
        yield found.key_id


def _forget_kept(found: Key) -> None:
    for provider in sorted(found.stored):
        byok.forget(found.key_id, provider)


def _act(found: Key, by: str, at: str) -> Write:
    return keyring.act(by, "key.revoke", found, {"revokedAt": None}, {"revokedAt": at})
