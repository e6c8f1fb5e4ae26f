"""A key's secret and what goes with it: another one, the end of the key, the provider keys that it keeps."""

from __future__ import annotations

from dataclasses import replace

from llm_core import byok, callers, keyring, keys
from llm_core.accounts import tree
from llm_core.aws.writes import ConditionFailed, together, update
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
    """End the key and all below it, for good; the ids of all of them. Each stops within 60 seconds.

    First nothing can be opened below any of them any more, so that none is missed. Then they end, this one last: until
    all is done it can be said again. Raises NotFound, StoreUnavailable, DeadlineExceeded.
    """
    found = keys.find(key_id)
    ended = [name.removeprefix("key:") for name in _closed(found.account, deadline)]
    for each in reversed(ended):
        at = keys.now()
        act = keyring.act(by, "key.revoke", replace(found, key_id=each), {"revokedAt": None}, {"revokedAt": at})
        try:
            together([keys.revoked(each, at), act], deadline)
        except ConditionFailed:
            deadline.remaining()  # it was revoked before
        callers.forget(each)
    for each in ended:
        for provider in keys.find(each).providers:
            byok.forget(each, provider)
    return ended


def provide(key_id: str, provider: str, secret: str, by: str, deadline: Deadline) -> None:
    """Keep a provider's key for this key's calls, in the place of the one before. Raises NotFound, InvalidRequest."""
    found = keyring.good(key_id)
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


def _closed(name: str, deadline: Deadline) -> list[str]:
    """This account and the keys' accounts below it, nearest first, all of them closed now."""
    closed = update(tree.closing(name), deadline)
    below = sorted(child for child in closed.get("children", ()) if child.startswith("key:"))
    return [name, *(each for child in below for each in _closed(child, deadline))]
