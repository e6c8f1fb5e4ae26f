"""The keys that a key may see and change: itself and those below it. To it there are no others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from llm_core import audit, byok, callers, keys
from llm_core.accounts import limits, tree
from llm_core.accounts.tree import Account
from llm_core.accounts.window import Kind
from llm_core.aws.writes import ConditionFailed, Write, together, update
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest, NotFound
from llm_core.keys import Key, NewKey
from llm_core.providers import directory
from llm_core.terms import check, check_limits, check_lowered, cut, told, within

_KEY_ID = re.compile(r"sk-proj-[A-Za-z0-9]{12}")


@dataclass(frozen=True, slots=True)
class Change:
    """What is asked to be another way; what is not named stays. `terms` are fields of Terms."""

    name: str | None = None
    limits: Mapping[Kind, int | None] = field(default_factory=dict)
    terms: Mapping[str, Any] = field(default_factory=dict)


def reach(caller: Caller, key_id: str) -> Key:
    """The caller's own key or one below it. Raises NotFound, in the same words for an unknown key and a foreign one."""
    if not _KEY_ID.fullmatch(key_id):
        raise NotFound(keys.NO_SUCH)
    found = keys.find(key_id)
    name: str | None = found.account
    while name is not None and name != caller.account:
        name = found.parent if name == found.account else tree.find(name).parent
    if name is None:
        raise NotFound(keys.NO_SUCH)
    return found


def reached(caller: Caller) -> Iterator[tuple[Key, Account]]:
    """The caller's own key, then those below it, each with its account. Raises StoreUnavailable."""
    yield keys.find(caller.key_id), tree.find(caller.account)
    for name in _below(caller.account):
        yield keys.find(name.removeprefix("key:")), tree.find(name)


def change(caller: Caller, key_id: str, asked: Change, deadline: Deadline) -> Key:
    """Change a key that the caller reaches, at once. The keys below it lose what is beyond it from now on.

    Raises NotFound, InvalidRequest, NotAllowed for more than the key above has (for itself: than it has itself).
    """
    reach(caller, key_id)
    check(asked.terms)

    def steps(before: Account, after: Account) -> list[Write]:
        found = _good(key_id)
        if key_id == caller.key_id:
            check_lowered(before, asked.limits)
        else:
            check_limits(tree.lineage(caller.account), asked.limits)
        was, writes = found, list[Write]()
        if asked.name is not None or asked.terms:
            found, writes = _rewritten(found, asked, own=key_id == caller.key_id)
        facts = {**was.told, "limits": told(before.limits)}, {**found.told, "limits": told(after.limits)}
        return [*writes, _act(caller.key_id, "key.change", found, *facts)]

    limits.change(f"key:{key_id}", asked.limits, steps, deadline)
    callers.forget(key_id)
    changed = keys.find(key_id)
    if asked.terms:
        _cut_below(changed, caller.key_id, deadline)
    return changed


def rotate(key_id: str, by: str, deadline: Deadline) -> NewKey:
    """Another secret; the one before stops within 60 seconds. Raises NotFound, InvalidRequest for a revoked key."""
    while True:
        found = _good(key_id)
        made, write = keys.resecreted(found)
        try:
            together([write, _act(by, "key.rotate", found, {}, {})], deadline)
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
        act = _act(by, "key.revoke", replace(found, key_id=each), {"revokedAt": None}, {"revokedAt": at})
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
    found = _good(key_id)
    byok.store(key_id, provider, secret)
    try:
        together(_provided(found, provider, by, kept=True), deadline)
    except ConditionFailed:
        byok.forget(key_id, provider)
        _good(key_id)  # it was revoked meanwhile
        raise
    callers.forget(key_id)


def withhold(key_id: str, provider: str, by: str, deadline: Deadline) -> None:
    """Delete the provider's key that is kept for this key, if there is one. Raises NotFound, InvalidRequest."""
    if provider not in directory.with_keys():
        raise NotFound(f"No key is kept for {provider[:60]!r}.")
    together(_provided(_good(key_id), provider, by, kept=False), deadline)
    callers.forget(key_id)
    byok.forget(key_id, provider)


def _provided(found: Key, provider: str, by: str, *, kept: bool) -> list[Write]:
    after = {*found.providers} | {provider} if kept else {*found.providers} - {provider}
    facts = {"providers": [*found.providers]}, {"providers": sorted(after)}
    what = "key.provide" if kept else "key.withhold"
    return [keys.provided(found.key_id, provider, kept=kept), _act(by, what, found, *facts)]


def _good(key_id: str) -> Key:
    found = keys.find(key_id)
    if found.revoked_at:
        raise InvalidRequest("This key is revoked, which is for good. Make another.")
    return found


def _rewritten(found: Key, asked: Change, *, own: bool) -> tuple[Key, list[Write]]:
    """The key as asked for, and the steps: with a look at the key above, if that one sets the bounds."""
    above = found.parent.removeprefix("key:")
    bound = found if own else _good(above)
    terms = replace(found.terms, **within(bound.terms, asked.terms))
    wanted = replace(found, name=found.name if asked.name is None else asked.name, terms=terms)
    return wanted, [keys.rewritten(found, wanted), *([] if own else [keys.unchanged(bound)])]


def _cut_below(above: Key, by: str, deadline: Deadline) -> None:
    """No key keeps what the one above it has lost. One that is made meanwhile is made of what that one still has."""
    for name in _children(above.account):
        while not (found := keys.find(name.removeprefix("key:"))).revoked_at:
            wanted = replace(found, terms=cut(above.terms, found.terms))
            if wanted != found:
                try:
                    together(
                        [keys.rewritten(found, wanted), _act(by, "key.cut", found, found.told, wanted.told)], deadline
                    )
                except ConditionFailed:
                    deadline.remaining()
                    continue  # it was changed meanwhile
                callers.forget(found.key_id)
            _cut_below(wanted, by, deadline)
            break


def _closed(name: str, deadline: Deadline) -> list[str]:
    """This account and the keys' accounts below it, nearest first, all of them closed now."""
    closed = update(tree.closing(name), deadline)
    below = sorted(child for child in closed.get("children", ()) if child.startswith("key:"))
    return [name, *(each for child in below for each in _closed(child, deadline))]


def _below(name: str) -> Iterator[str]:
    for child in _children(name):
        yield child
        yield from _below(child)


def _children(name: str) -> list[str]:
    return [child for child in tree.find(name).children if child.startswith("key:")]


def _act(by: str, what: str, key: Key, before: Mapping[str, Any], after: Mapping[str, Any]) -> Write:
    return audit.act(key.user_id, by=by, what=what, subject=key.key_id, before=before, after=after)
