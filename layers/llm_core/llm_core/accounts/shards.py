"""A window that many calls share may be split: a hold takes one shard, and is refused only after all were tried.

One DynamoDB item takes about 1,000 write units a second. What is left in all shards together is gathered in one when
no single one suffices, so splitting costs no budget at its edge.
"""

from __future__ import annotations

import random

from llm_core.accounts import admission, refusals
from llm_core.accounts.admission import Wanted
from llm_core.accounts.window import Window
from llm_core.aws.table import Item
from llm_core.aws.writes import ConditionFailed, Write, together
from llm_core.deadline import Deadline
from llm_core.errors import BudgetExceeded, BudgetHeld, NotFound

_TRIES = 6


def hold(account: str, label: str, shards: int, wanted: Wanted, deadline: Deadline) -> tuple[Window, Item]:
    """Hold it in any shard. Raises BudgetExceeded, BudgetHeld, StoreUnavailable."""
    windows = [Window(account, label, shard) for shard in range(shards)]
    refused: BudgetExceeded | BudgetHeld | None = None
    for window in random.sample(windows, shards):
        try:
            return window, admission.hold(window, wanted, deadline)
        except (BudgetExceeded, BudgetHeld) as refusal:
            refused = refusal
    assert refused is not None  # noqa: S101 - there is at least one shard
    if shards == 1:
        raise refused
    for _ in range(_TRIES):
        window = _gather(windows, wanted.amount, deadline)
        try:
            return window, admission.hold(window, wanted, deadline)
        except (BudgetExceeded, BudgetHeld) as refusal:
            refused = refusal  # somebody else took what was gathered
    raise refused


def read(account: str, label: str, shards: int) -> list[Item]:
    """All shards of a window, each read consistently. Raises NotFound when it has not begun, StoreUnavailable."""
    items = [Window(account, label, shard).read() for shard in range(shards)]
    if any(item is None for item in items):
        raise NotFound(f"The window {label} of {account} has not begun.")
    return [item for item in items if item is not None]


def _gather(windows: list[Window], amount: int, deadline: Deadline) -> Window:
    """Move what is left into one open shard, which then fits `amount`. Raises BudgetExceeded or BudgetHeld, both told
    of all shards together, when it cannot fit."""
    before: list[int] = []
    while True:
        items = read(windows[0].account, windows[0].label, len(windows))
        left = sum(item["remaining"] for item in items)
        limits = [item["limit"] for item in items]
        if left < amount and limits != before:  # shards may have given to each other between two looks: once more
            before = limits
            continue
        if left < amount:
            limit, held = (sum(item[name] for item in items) for name in ("limit", "held"))
            raise refusals.unaffordable(windows[0], limit, left, held, amount)
        target = max(range(len(items)), key=lambda n: (not items[n].get("closed"), items[n]["remaining"]))
        gifts = {n: item["remaining"] for n, item in enumerate(items) if n != target and item["remaining"] > 0}
        if items[target]["remaining"] >= amount or not gifts:
            return windows[target]
        moves = [_moved(windows[n], -gift) for n, gift in gifts.items()]
        try:
            together([*moves, _moved(windows[target], sum(gifts.values()))], deadline)
        except ConditionFailed:
            deadline.remaining()
        else:
            return windows[target]


def _moved(window: Window, amount: int) -> Write:
    """A step that moves limit and rest into this shard, or out of it where it is still there."""
    change = "SET #limit = #limit + :amount, #remaining = #remaining + :amount"
    if amount >= 0:
        return window.write(change, "attribute_not_exists(#closed)", {":amount": amount})
    return window.write(change, "#remaining >= :gift", {":amount": amount, ":gift": -amount})
