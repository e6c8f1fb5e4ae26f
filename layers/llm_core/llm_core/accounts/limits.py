"""A limit changes: the account and its windows that have begun move together, and every key below is told.

From the moment the change returns no call is admitted against the old limit, on any replica. Whoever dies in the middle
of telling has left a mark on the account, and the sweeper goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from llm_core.accounts import opening, tree
from llm_core.accounts.tree import KINDS, MAX_LIMIT, Account
from llm_core.accounts.window import UNLIMITED, Kind, Window, label
from llm_core.aws.table import Item
from llm_core.aws.writes import ConditionFailed, Write, together, update
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest
from llm_core.settings import settings

TELLING = "telling"
"""In the sparse index that the sweeper reads: an account whose change is not known to every key below it yet."""

_SKEW_SECONDS = 300
"""How far a clock elsewhere may be ahead or behind: near the turn of a window both are in use."""

Shard = tuple[Window, Item]

Audit = Callable[[Account, Account], Sequence[Write]]
"""From the account before and after to the steps that write the act down, in the same transaction."""


def change(name: str, limits: Mapping[Kind, int | None], audit: Audit, deadline: Deadline) -> Account:
    """Set these limits (nano-USD, None for none); the others stay. At once, or not at all.

    A limit below what is spent and held refuses calls until it fits. Raises InvalidRequest, NotFound, StoreUnavailable.
    """
    _check(limits)
    now = time.time()
    while True:
        before = tree.find(name)
        kept = {kind: value for kind in KINDS if (value := {**before.limits, **limits}.get(kind)) is not None}
        after = Account(name, before.parent, kept, before.shards, before.version + 1, before.children)
        steps = [_account(before, after), *audit(before, after)]
        for kind in limits:
            for text in _labels(kind, now):
                steps += _moved(after, text, after.limit(kind))
        try:
            together(steps, deadline)
        except ConditionFailed:
            deadline.remaining()
        else:
            break
    tell_below(name, now, deadline)
    return after


def tell_below(name: str, now: float, deadline: Deadline) -> None:
    """Tell every key at or below this account who pays, and take away the mark that this is still to be done.

    Raises StoreUnavailable, NotFound; the mark then stays, and the sweeper comes here.
    """
    account = tree.find(name)  # anew: a key may have been made meanwhile
    for each in (account, *tree.below(account)):
        tell(each.name, now, deadline)
    done = Write(
        settings().need("budgets_table_name"),
        {"userId": name},
        change="REMOVE #open",
        condition="#version = :told",
        values={":told": account.version},
    )
    with suppress(ConditionFailed):  # changed again meanwhile, by somebody who tells it
        update(done, deadline)


def tell(name: str, now: float, deadline: Deadline) -> None:
    """Write into a key's windows who else pays from now on and how much it may hold."""
    if not name.startswith("key:"):
        return
    told = opening.payers(tree.lineage(name))
    change = "SET #chain = :chain, #heldCap = :cap, #lineVersion = :v"
    values = {":chain": told["chain"], ":cap": told["heldCap"], ":v": told["lineVersion"]}
    for text in _labels("month", now):
        try:
            update(Window(name, text).write(change, "#lineVersion < :v", values), deadline)
        except ConditionFailed:
            continue  # not begun yet, or told something newer


def _labels(kind: Kind, now: float) -> list[str]:
    return sorted({label(kind, now + skew) for skew in (-_SKEW_SECONDS, 0, _SKEW_SECONDS)})


def _check(limits: Mapping[Kind, int | None]) -> None:
    for amount in limits.values():
        if amount is not None and not 0 <= amount <= MAX_LIMIT:
            raise InvalidRequest("A limit is between 0 and 1,000,000 USD, or null.", param="monthlyBudget")


def _account(before: Account, after: Account) -> Write:
    return Write(
        settings().need("budgets_table_name"),
        {"userId": after.name},
        change="SET #limits = :limits, #version = :after, #open = :telling",
        condition="#version = :before",
        values={
            ":limits": dict(after.limits),
            ":before": before.version,
            ":after": after.version,
            ":telling": TELLING,
        },
    )


def _moved(account: Account, text: str, limit: int) -> Iterator[Write]:
    """The steps that bring a window to its new limit, if it has begun; if not, that it has not.

    Each step expects the limit that was read: shards may have given to each other between two reads.
    """
    windows = [Window(account.name, text, shard) for shard in range(account.shards)]
    items = [item for place in windows if (item := place.read()) is not None]
    if len(items) < len(windows):  # if it began between two reads, this fails, and all is read anew
        return iter([windows[0].write("", "attribute_not_exists(#userId)", {})])
    shards = list(zip(windows, items, strict=True))
    more = limit - sum(item["limit"] for item in items)
    return _raised(shards, more) if more >= 0 else _lowered(shards, -more)


def _raised(shards: Sequence[Shard], more: int) -> Iterator[Write]:
    """Evenly; but what a lowered limit owes is paid back first, and closed shards open again once it is."""
    (_, first), *others = shards
    if not any(item.get("closed") for _, item in shards):
        for shard, part in zip(shards, opening.parts(more, len(shards)), strict=True):
            yield _step(shard, part)
    else:
        paid = first["remaining"] + more >= 0
        yield _step(shards[0], more, least=-more if paid else None)
        for shard in others:
            yield _step(shard, 0, then="REMOVE #closed" if paid else "")


def _lowered(shards: Sequence[Shard], less: int) -> Iterator[Write]:
    """Taken where it is free. What is not free is owed by the first shard, and the others are closed: while anything is
    owed no shard may admit a call."""
    takes, left = [], less
    for _, item in shards:
        takes.append(min(max(item["remaining"], 0), left))
        left -= takes[-1]
    for number, (shard, take) in enumerate(zip(shards, takes, strict=True)):
        if not number and (left or len(shards) == 1):
            yield _step(shard, -take - left)
        else:
            yield _step(shard, -take, least=take or None, then=", #closed = :yes" if left else "")


def _step(shard: Shard, amount: int, *, least: int | None = None, then: str = "") -> Write:
    """Move limit and rest of one shard by an amount, where at least `least` is left, and change it further."""
    place, item = shard
    condition, values = "#limit = :was", {":was": item["limit"]}
    change = f"SET #limit = #limit + :amount, #remaining = #remaining + :amount {then}"
    if least is not None:
        condition, values = f"{condition} AND #remaining >= :least", {**values, ":least": least}
    if ":yes" in then:
        values[":yes"] = True
    if not amount and not then:
        return place.write("", condition, values)
    return place.write(change, condition, {**values, ":amount": amount})


assert UNLIMITED > MAX_LIMIT  # noqa: S101 - a limit that is set is never taken for none
