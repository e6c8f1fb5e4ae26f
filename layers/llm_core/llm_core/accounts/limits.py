"""A limit changes: the account and its windows that have begun move together, and every key below is told.

From the moment the change returns no call is admitted against the old limit, on any replica.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from llm_core.accounts import opening, tree
from llm_core.accounts.tree import KINDS, MAX_LIMIT, Account
from llm_core.accounts.window import UNLIMITED, Kind, Window, label
from llm_core.aws.table import Item
from llm_core.aws.writes import ConditionFailed, Write, together, update
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest
from llm_core.settings import settings

_SKEW_SECONDS = 300
"""How far a clock elsewhere may be ahead: near the end of a window the next one may have begun there."""

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
            for text in sorted({label(kind, now), label(kind, now + _SKEW_SECONDS)}):
                steps += _moved(after, text, after.limit(kind))
        try:
            together(steps, deadline)
        except ConditionFailed:
            deadline.remaining()
        else:
            break
    for account in (after, *tree.below(after)):
        tell(account.name, now, deadline)
    return after


def tell(name: str, now: float, deadline: Deadline) -> None:
    """Write into a key's windows who else pays from now on and how much it may hold."""
    if not name.startswith("key:"):
        return
    told = opening.payers(tree.lineage(name))
    change = "SET #chain = :chain, #heldCap = :cap, #lineVersion = :v"
    values = {":chain": told["chain"], ":cap": told["heldCap"], ":v": told["lineVersion"]}
    for text in sorted({label("month", now), label("month", now + _SKEW_SECONDS)}):
        try:
            update(Window(name, text).write(change, "#lineVersion < :v", values), deadline)
        except ConditionFailed:
            continue  # not begun yet, or told something newer


def _check(limits: Mapping[Kind, int | None]) -> None:
    for amount in limits.values():
        if amount is not None and not 0 <= amount <= MAX_LIMIT:
            raise InvalidRequest("A limit is between 0 and 1,000,000 USD, or null.", param="monthlyBudget")


def _account(before: Account, after: Account) -> Write:
    return Write(
        settings().need("budgets_table_name"),
        {"userId": after.name},
        change="SET #limits = :limits, #version = :after",
        condition="#version = :before",
        values={":limits": dict(after.limits), ":before": before.version, ":after": after.version},
    )


def _moved(account: Account, text: str, limit: int) -> Iterator[Write]:
    """The steps that bring a window to its new limit, if it has begun; if not, that it has not."""
    windows = [Window(account.name, text, shard) for shard in range(account.shards)]
    while 0 < len(items := [item for place in windows if (item := place.read()) is not None]) < len(windows):
        continue  # it begins just now, all its shards at once
    if not items:
        return iter([windows[0].write("", "attribute_not_exists(#userId)", {})])
    more = limit - sum(item["limit"] for item in items)
    if not more:
        return iter([])
    return _raised(windows, items, more) if more > 0 else _lowered(windows, items, -more)


def _raised(windows: Sequence[Window], items: Sequence[Item], more: int) -> Iterator[Write]:
    """Evenly; but what a lowered limit owes is paid back first, and closed shards open again once it is."""
    if not any(item.get("closed") for item in items):
        for place, part in zip(windows, opening.parts(more, len(windows)), strict=True):
            yield _step(place, part, "attribute_exists(#userId)")
    elif items[0]["remaining"] + more < 0:
        yield _step(windows[0], more, "attribute_exists(#userId)")
    else:
        yield _step(windows[0], more, "#remaining >= :least", {":least": -more})
        for place in windows[1:]:
            yield place.write("REMOVE #closed", "attribute_exists(#userId)", {})


def _lowered(windows: Sequence[Window], items: Sequence[Item], less: int) -> Iterator[Write]:
    """Taken where it is free. What is not free is owed by the first shard, and the others are closed: while anything is
    owed no shard may admit a call."""
    takes, left = [], less
    for item in items:
        takes.append(min(max(item["remaining"], 0), left))
        left -= takes[-1]
    if len(windows) == 1:
        yield _step(windows[0], -less, "attribute_exists(#userId)")
    elif not left:
        for place, take in zip(windows, takes, strict=True):
            if take:
                yield _step(place, -take, "#remaining >= :least", {":least": take})
    else:
        yield _step(windows[0], -takes[0] - left, "#remaining = :found", {":found": items[0]["remaining"]})
        for place, take, item in zip(windows[1:], takes[1:], items[1:], strict=True):
            found = {":found": item["remaining"], ":yes": True}
            yield _step(place, -take, "#remaining = :found", found, ", #closed = :yes")


def _step(
    place: Window, amount: int, condition: str, values: Mapping[str, int | bool] | None = None, more: str = ""
) -> Write:
    change = f"SET #limit = #limit + :amount, #remaining = #remaining + :amount{more}"
    return place.write(change, condition, {":amount": amount, **(values or {})})


assert UNLIMITED > MAX_LIMIT  # noqa: S101 - a limit that is set is never taken for none
