"""The accounts: who pays for whom, and what each may spend. Windows (window.py) are made from them.

    org:acme <- team:search <- user:ada <- key:sk-proj-abc <- key:sk-proj-def

A call is paid by its key's account and by every limited account above it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llm_core.accounts.window import UNLIMITED, Kind
from llm_core.aws import table
from llm_core.aws.writes import Write, new
from llm_core.errors import InvalidRequest, NotFound
from llm_core.settings import settings

KINDS: tuple[Kind, ...] = ("month", "day", "total")
DEEPEST = 8
"""Accounts from a key to the organisation. Each limited one costs two writes a call."""

MAX_LIMIT = 10**15
"""nano-USD: a million USD. Whoever needs more leaves the limit out."""

MOST_LIVING = 1_000
"""Keys right below a key that are not revoked."""

MOST_CHILDREN = 10_000
"""Accounts right below one that ever were opened: they all stand in its item, which ends at 400 KB."""

_NAME = re.compile(r"(org|team|user|key|run|public):[A-Za-z0-9._@+-]{1,100}")


@dataclass(frozen=True, slots=True)
class Account:
    """`limits` are nano-USD per kind of window, only those that are set. `version` grows with every change of them."""

    name: str
    parent: str | None = None
    limits: Mapping[Kind, int] = field(default_factory=dict)
    shards: int = 1
    version: int = 1
    children: tuple[str, ...] = ()

    def limit(self, kind: Kind) -> int:
        return self.limits.get(kind, UNLIMITED)


def check_name(name: str) -> str:
    """The name, if it is one. Raises InvalidRequest."""
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"{name[:80]!r} is not an account. Accounts are org:, team:, user: and a name of letters, digits and ._@+-",
            param="account",
        )
    return name


def find(name: str) -> Account:
    """Read consistently. Raises NotFound, StoreUnavailable."""
    item = table.get(settings().need("budgets_table_name"), {"userId": name})
    if item is None:
        raise NotFound(f"There is no account {name[:120]!r}.")
    children = tuple(sorted(item.get("children", ())))
    return Account(name, item["parent"], item["limits"], item["shards"], item["version"], children)


def lineage(name: str) -> list[Account]:
    """The account, then the one above it, up to the root. Raises NotFound, StoreUnavailable."""
    found = [find(name)]
    while (parent := found[-1].parent) is not None:
        found.append(find(parent))
    return found


def below(account: Account) -> Iterator[Account]:
    """All accounts under this one, nearest first. Raises StoreUnavailable."""
    for child in account.children:
        found = find(child)
        yield found
        yield from below(found)


def seen(name: str) -> frozenset[str] | None:
    """The ids of the keys whose usage a key's account sees: its own and those below it. None, all of its user's, for a
    key that no other key has made. Raises StoreUnavailable."""
    own = find(name)
    if own.parent is None or not own.parent.startswith("key:"):
        return None
    return frozenset(each.name.removeprefix("key:") for each in (own, *below(own)))


def opening(account: Account) -> list[Write]:
    """The steps of a transaction that opens an account under its parent, which must be there and not be revoked.

    Raises InvalidRequest when the account would stand too deep, NotFound without its parent.
    """
    name = settings().need("budgets_table_name")
    item: dict[str, Any] = {
        "userId": account.name,
        "parent": account.parent,
        "limits": dict(account.limits),
        "shards": account.shards,
        "version": account.version,
        "createdAt": int(time.time()),
    }
    steps = [new(name, item, key="userId")]
    if account.parent is not None:
        living = MOST_LIVING if account.parent.startswith("key:") else MOST_CHILDREN
        if len(lineage(account.parent)) >= DEEPEST:
            raise InvalidRequest(f"Accounts may stand {DEEPEST} deep. Make this one under another.", param="parent")
        steps.append(
            Write(
                name,
                {"userId": account.parent},
                change="ADD #children :child, #living :one",
                condition=f"attribute_exists(#userId) AND attribute_not_exists(#revoked) AND {_ROOM}",
                values={":child": {account.name}, ":one": 1, ":living": living, ":most": MOST_CHILDREN},
            )
        )
    return steps


_ROOM = "(attribute_not_exists(#living) OR #living < :living)"
_ROOM += " AND (attribute_not_exists(#children) OR size(#children) < :most)"


def left(parent: str) -> Write:
    """A step by which one of this account's children is not among the living any more."""
    change, condition = "ADD #living :less", "attribute_exists(#userId)"
    return Write(settings().need("budgets_table_name"), {"userId": parent}, change, condition, {":less": -1})


def closing(name: str) -> Write:
    """A step after which nothing is opened below this account any more."""
    change, condition = "SET #revoked = if_not_exists(#revoked, :now)", "attribute_exists(#userId)"
    table_name = settings().need("budgets_table_name")
    return Write(table_name, {"userId": name}, change, condition, {":now": int(time.time())})


def held_by(line: list[Account]) -> list[dict[str, Any]]:
    """What a call of `line[0]` holds beside that account's own month, as stored with that month's window."""
    entries = []
    for account in line:
        for kind in KINDS:
            if kind in account.limits and not (account is line[0] and kind == "month"):
                entries.append({"account": account.name, "kind": kind, "shards": account.shards})
    return entries


def cap(line: list[Account]) -> int:
    """The most that one account may hold at once, nano-USD: a fifth of the tightest limit above it.

    So a bug that holds and never settles cannot take everybody's budget with it.
    """
    above = [limit for account in line[1:] for limit in account.limits.values()]
    return min(above) // SHARE if above else UNLIMITED


SHARE = 5
