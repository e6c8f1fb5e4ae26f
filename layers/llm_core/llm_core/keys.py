"""API keys: how one is made, with an account below its maker's, and where it is kept."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from llm_core import audit
from llm_core.accounts import tree
from llm_core.accounts.tree import Account
from llm_core.aws import scan, table
from llm_core.aws.table import Item
from llm_core.aws.writes import ConditionFailed, Write, new, together
from llm_core.callers import hashed
from llm_core.deadline import Deadline
from llm_core.errors import NotAllowed, NotFound
from llm_core.settings import settings
from llm_core.terms import Terms as Terms
from llm_core.terms import check, check_limits, told, within

NO_SUCH = "There is no such key."

_PUBLIC = string.ascii_letters + string.digits
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept; `terms` are without limits, which are its account's. `version` grows with every change,
    `providers` are those for which it keeps a key of its own, `stored` those for which one may lie in Parameter Store.
    `ending`: it is revoked, and not all below it are yet."""

    key_id: str
    name: str
    user_id: str
    parent: str
    terms: Terms
    version: int
    created_at: str
    revoked_at: str | None
    providers: tuple[str, ...] = ()
    stored: frozenset[str] = frozenset()
    ending: bool = False

    @property
    def account(self) -> str:
        return f"key:{self.key_id}"

    @property
    def told(self) -> dict[str, Any]:
        """What can be changed about it, as it is kept and audited."""
        return {"name": self.name, **self.terms.stored}


@dataclass(frozen=True, slots=True)
class NewKey:
    """`api_key` is shown once and kept nowhere."""

    key_id: str
    api_key: str


def create(name: str, *, user_id: str, terms: Terms, parent: str | None = None, by: str = audit.OPERATOR) -> NewKey:
    """Make a key for a user, its account below `parent` (else the user's own), and keep its hash.

    Below another key it has what it is not given from that one. Raises InvalidRequest for an unknown scope or model,
    NotAllowed for more than the key above has or below a revoked one, StoreUnavailable.
    """
    above, deadline = parent or open_user(user_id, by=by), Deadline.after(_SECONDS)
    while True:
        given, looks = _handed_on(above, terms)
        made, secret = _drawn("sk-proj-" + "".join(secrets.choice(_PUBLIC) for _ in range(12)))
        item = {
            "keyId": made.key_id,
            "name": name,
            "userId": user_id,
            "parent": above,
            "version": 1,
            "createdAt": now(),
            **secret,
            **given.stored,
        }
        after = {"name": name, **given.stored, "limits": told(given.limits)}
        steps = [
            new(settings().need("keys_table_name"), item, key="keyId"),
            *looks,
            *tree.opening(Account(f"key:{made.key_id}", above, given.limits)),
            audit.act(user_id, by=by, what="key.create", subject=made.key_id, before={}, after=after),
        ]
        try:
            together(steps, deadline)
        except ConditionFailed as failure:
            if not any(found and "keyId" in found for found in failure.items):
                raise NotAllowed(_closed(failure.items)) from failure
            deadline.remaining()  # the key above has changed; or, one in 62^12, this id is taken
        else:
            return made


def _closed(items: Sequence[Item | None]) -> str:
    """Why the account above takes no key."""
    if all(found and "revoked" not in found for found in items):
        return "Too many keys stand right below this account. Revoke what is not needed, or make keys below others."
    return "The account above this key is not open any more."


def find(key_id: str) -> Key:
    """Read consistently. Raises NotFound, StoreUnavailable."""
    item = table.get(_table(), {"keyId": key_id})
    if item is None:
        raise NotFound(NO_SUCH)
    return _parsed(item)


def every() -> Iterator[Key]:
    """All keys, in no order: the table is read whole. Raises StoreUnavailable while it is read."""
    return map(_parsed, scan.every(_table()))


def _parsed(item: Item) -> Key:
    return Key(
        item["keyId"],
        item["name"],
        item["userId"],
        item["parent"],
        Terms.of(item),
        item["version"],
        item["createdAt"],
        item.get("revokedAt"),
        tuple(sorted(item.get("providers", ()))),
        frozenset({*item.get("stored", ()), *item.get("providers", ())}),
        "ending" in item,
    )


def rewritten(key: Key, wanted: Key) -> Write:
    """A step that gives a key another name and other terms, if it is still as it was found."""
    return _changed(key, wanted.told)


def resecreted(key: Key) -> tuple[NewKey, Write]:
    """Another secret for a key, and the step that puts it in the place of the one before."""
    made, secret = _drawn(key.key_id)
    return made, _changed(key, {**secret, "rotatedAt": now()})


def revoked(key_id: str, at: str, *, ending: bool = False) -> Write:
    """A step that ends a key for good; it fails where that is done. `ending`: those below it follow."""
    change = "SET #revokedAt = :at, #version = #version + :one" + (", #ending = :at" if ending else "")
    return Write(_table(), {"keyId": key_id}, change, _GOOD, {":at": at, ":one": 1})


def ended(key_id: str) -> Write:
    """A step that says that all below a revoked key are revoked too."""
    return Write(_table(), {"keyId": key_id}, "REMOVE #ending", "attribute_exists(#revokedAt)")


def storing(key_id: str, provider: str) -> Write:
    """A step that says that a key for this provider is about to be stored; it fails for a revoked key."""
    return Write(_table(), {"keyId": key_id}, "ADD #stored :provider", _GOOD, {":provider": {provider}})


def provided(key_id: str, provider: str, *, kept: bool) -> Write:
    """A step that says whether the key keeps one of its own for this provider; it fails for a revoked key."""
    change = f"{'ADD' if kept else 'DELETE'} #providers :provider SET #version = #version + :one"
    return Write(_table(), {"keyId": key_id}, change, _GOOD, {":provider": {provider}, ":one": 1})


def unchanged(key: Key) -> Write:
    """A look: the key is still as it was found, and good."""
    return Write(_table(), {"keyId": key.key_id}, "", _AS_FOUND, {":found": key.version})


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def open_user(user_id: str, parent: str | None = None, *, by: str = audit.OPERATOR) -> str:
    """The user's account, opened now if there is none. Raises InvalidRequest for a name that cannot be one."""
    name = tree.check_name(f"user:{user_id}")
    if table.get(settings().need("budgets_table_name"), {"userId": name}) is None:
        try:
            act = audit.act(user_id, by=by, what="account.open", subject=name, before={}, after={"parent": parent})
            together([*tree.opening(Account(name, parent)), act], Deadline.after(_SECONDS))
        except ConditionFailed:
            return tree.find(name).name  # somebody else opened it
    return name


_GOOD = "attribute_exists(#keyId) AND attribute_not_exists(#revokedAt)"
_AS_FOUND = "#version = :found AND attribute_not_exists(#revokedAt)"


def _changed(key: Key, attributes: Mapping[str, Any]) -> Write:
    """A step that sets these attributes, if the key is still as it was found, and good."""
    sets = ", ".join(f"#{name} = :{name}" for name in attributes)
    values = {f":{name}": value for name, value in attributes.items()}
    change = f"SET {sets}, #version = #version + :one"
    return Write(_table(), {"keyId": key.key_id}, change, _AS_FOUND, {**values, ":one": 1, ":found": key.version})


def _handed_on(above: str, asked: Terms) -> tuple[Terms, list[Write]]:
    """What a key below this account gets, and a look that nothing has changed there when it does."""
    check(asked.asked)
    if not above.startswith("key:"):
        return asked, []
    maker = find(above.removeprefix("key:"))
    if maker.revoked_at:
        raise NotAllowed("This key is revoked, so it makes no others.")
    check_limits(tree.lineage(above), asked.limits)
    return replace(asked, **within(maker.terms, asked.asked)), [unchanged(maker)]


def _drawn(key_id: str) -> tuple[NewKey, dict[str, str]]:
    """A fresh secret: as it is shown once, and as it is kept."""
    secret, salt = secrets.token_urlsafe(32), secrets.token_bytes(16)
    return NewKey(key_id, key_id + secret), {"salt": salt.hex(), "hash": hashed(salt, secret)}


def _table() -> str:
    return settings().need("keys_table_name")
