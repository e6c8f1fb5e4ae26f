"""A window's first moment: made in one transaction with a look at every account it takes its limits from.

So a limit that is changed meanwhile is never missed, and a month begins with the limit of that month.
"""

from __future__ import annotations

from typing import Any

from llm_core.accounts import tree
from llm_core.accounts.tree import Account
from llm_core.accounts.window import Window
from llm_core.aws.writes import ConditionFailed, Write, new, together
from llm_core.deadline import Deadline
from llm_core.settings import settings


def begin(account: str, label: str, deadline: Deadline) -> None:
    """Make the window, all its shards, unless it is there. Raises NotFound without the account, StoreUnavailable."""
    while True:
        line = tree.lineage(account)
        try:
            together([*map(unchanged, line), *_items(line, label)], deadline)
        except ConditionFailed:
            if Window(account, label).read() is not None:
                return
            deadline.remaining()
        else:
            return


def purse(account: str, limit: int, *, until: int) -> Write:
    """A step that gives an account that stands for itself its one window, with so many nano-USD to spend, ever; it is
    kept until a time (epoch seconds)."""
    item = Window(account, "total").item(limit, ttl=until)
    return new(settings().need("budgets_table_name"), item, key="userId")


def unchanged(account: Account) -> Write:
    """A look: the account is still of this version."""
    name = settings().need("budgets_table_name")
    return Write(name, {"userId": account.name}, condition="#version = :v", values={":v": account.version})


def parts(amount: int, shards: int) -> list[int]:
    """The amount, split over shards; the first takes what does not divide."""
    each = amount // shards
    return [amount - each * (shards - 1), *[each] * (shards - 1)]


def _items(line: list[Account], label: str) -> list[Write]:
    account = line[0]
    name = settings().need("budgets_table_name")
    limits = parts(account.limit(Window(account.name, label).kind), account.shards)
    windows = [Window(account.name, label, shard) for shard in range(account.shards)]
    return [
        new(name, window.item(limit, **payers(line)), key="userId")
        for window, limit in zip(windows, limits, strict=True)
    ]


def payers(line: list[Account]) -> dict[str, Any]:
    """What a key's window knows beside its own money: who else pays, how much it may hold, and this minute's counts.

    `lineVersion` grows with every change above, so that of two writers the later wins.
    """
    if not line[0].name.startswith("key:"):
        return {}
    return {
        "chain": tree.held_by(line),
        "heldCap": tree.cap(line),
        "lineVersion": sum(account.version for account in line),
        "requests": {},
        "tokens": {},
    }
