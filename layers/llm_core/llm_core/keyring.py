"""The keys that a key may see and change: itself and those below it. To it there are no others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from llm_core import audit, callers, keys
from llm_core.accounts import limits, tree
from llm_core.accounts.tree import Account
from llm_core.accounts.window import Kind
from llm_core.aws.writes import ConditionFailed, Write, together
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest, NotFound
from llm_core.keys import Key
from llm_core.terms import check, check_limits, check_lowered, cut, told, within

REVOKED = "This key is revoked, which is for good. Make another."

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
    for account in _line_below(caller.account):
        yield keys.find(account.name.removeprefix("key:")), account


def change(caller: Caller, key_id: str, asked: Change, deadline: Deadline) -> Key:
    """Change a key that the caller reaches, at once. The keys below it lose what is beyond it from now on.

    Raises NotFound, InvalidRequest, NotAllowed for more than the key above has (for itself: than it has itself).
    """
    reach(caller, key_id)
    check(asked.terms)

    def steps(before: Account, after: Account) -> list[Write]:
        found = good(key_id)
        if key_id == caller.key_id:
            check_lowered(before, asked.limits)
        else:
            check_limits(tree.lineage(caller.account), asked.limits)
        was, writes = found, list[Write]()
        if asked.name is not None or asked.terms:
            found, writes = _rewritten(found, asked, own=key_id == caller.key_id)
        facts = {**was.told, "limits": told(before.limits)}, {**found.told, "limits": told(after.limits)}
        return [*writes, act(caller.key_id, "key.change", found, *facts)]

    if asked.limits:
        limits.change(f"key:{key_id}", asked.limits, steps, deadline)
    else:
        _done(lambda: steps(account := tree.find(f"key:{key_id}"), account), deadline)
    callers.forget(key_id)
    changed = keys.find(key_id)
    if asked.terms:
        _cut_below(changed, caller.key_id, deadline)
    return changed


def _done(steps: Callable[[], list[Write]], deadline: Deadline) -> None:
    """Carry out what these steps say now; where something has changed meanwhile, what they say then."""
    while True:
        try:
            return together(steps(), deadline)
        except ConditionFailed:
            deadline.remaining()


def good(key_id: str) -> Key:
    """The key, if it is not revoked. Raises NotFound, InvalidRequest."""
    found = keys.find(key_id)
    if found.revoked_at:
        raise InvalidRequest(REVOKED)
    return found


def _rewritten(found: Key, asked: Change, *, own: bool) -> tuple[Key, list[Write]]:
    """The key as asked for, and the steps: with a look at the key above, if that one sets the bounds."""
    above = found.parent.removeprefix("key:")
    bound = found if own else good(above)
    terms = replace(found.terms, **within(bound.terms, asked.terms))
    wanted = replace(found, name=found.name if asked.name is None else asked.name, terms=terms)
    return wanted, [keys.rewritten(found, wanted), *([] if own else [keys.unchanged(bound)])]


def _cut_below(above: Key, by: str, deadline: Deadline) -> None:
    """No key keeps what the one above it has lost. One that is made meanwhile is made of what that one still has."""
    for name in _keys_of(tree.find(above.account)):
        while not (found := keys.find(name.removeprefix("key:"))).revoked_at:
            wanted = replace(found, terms=cut(above.terms, found.terms))
            if wanted != found:
                try:
                    together(
                        [keys.rewritten(found, wanted), act(by, "key.cut", found, found.told, wanted.told)], deadline
                    )
                except ConditionFailed:
                    deadline.remaining()
                    continue  # it was changed meanwhile
                callers.forget(found.key_id)
            _cut_below(wanted, by, deadline)
            break


def _line_below(name: str) -> Iterator[Account]:
    """This account and the keys' accounts below it, nearest first."""
    account = tree.find(name)
    yield account
    for child in _keys_of(account):
        yield from _line_below(child)


def _keys_of(account: Account) -> list[str]:
    return [child for child in account.children if child.startswith("key:")]


def act(by: str, what: str, key: Key, before: Mapping[str, Any], after: Mapping[str, Any]) -> Write:
    """The audit row of what was done to a key."""
    return audit.act(key.user_id, by=by, what=what, subject=key.key_id, before=before, after=after)
