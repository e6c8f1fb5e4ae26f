"""How much of a window's limit is spent: which of 50, 80 and 100 % a change of the window has reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm_core.accounts import tree
from llm_core.accounts.tree import Account
from llm_core.accounts.window import UNLIMITED, Window
from llm_core.errors import NotFound

PERCENT = (100, 80, 50)

_EVER = 4_000_000_000
"""Epoch seconds of the year 2096: a total is never forgotten."""


@dataclass(frozen=True, slots=True)
class Reached:
    """`percent` of `limit` are spent in the window (`2026-11`, `2026-11-20` or `total`); nano-USD.

    `until`: epoch seconds, when the window's items are forgotten.
    """

    account: str
    window: str
    percent: int
    spent: int
    limit: int
    until: int


class Thresholds:
    """What one batch of changes reaches. Raises StoreUnavailable where it reads."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._summed: set[str] = set()

    def reached(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Reached | None:
        """What this change reached, the highest only. None for holds, corrections and what is no limited window,
        nor for a run's own budget: the run tells its end itself."""
        if "window" not in new or new["limit"] >= UNLIMITED or new["account"].startswith("run:"):
            return None
        before_spent, before_limit = old.get("spent", 0), old.get("limit", new["limit"])
        if new["spent"] <= before_spent and new["limit"] >= before_limit:
            return None
        account = self._account(new["account"])
        if account.shards > 1:
            return self._of_shards(account, new)
        before, now = _percent(before_spent, before_limit), _percent(new["spent"], new["limit"])
        if now <= before:
            return None
        return Reached(new["account"], new["window"], now, new["spent"], new["limit"], _until(new))

    def _of_shards(self, account: Account, new: Mapping[str, Any]) -> Reached | None:
        """What all shards together have reached by now, looked at once in a batch.

        The limit is the account's own, because the shards lend each other theirs while they are read.
        """
        shards = [Window(account.name, new["window"], shard) for shard in range(account.shards)]
        limit = account.limit(shards[0].kind)
        if limit >= UNLIMITED or shards[0].name in self._summed:
            return None
        spent = sum(item["spent"] for shard in shards if (item := shard.read()))
        self._summed.add(shards[0].name)
        percent = _percent(spent, limit)
        return Reached(account.name, new["window"], percent, spent, limit, _until(new)) if percent else None

    def _account(self, name: str) -> Account:
        if name not in self._accounts:
            try:
                self._accounts[name] = tree.find(name)
            except NotFound:
                self._accounts[name] = Account(name)  # removed since: its window stands for itself
        return self._accounts[name]


def _until(item: Mapping[str, Any]) -> int:
    until: int = _EVER if item["window"] == "total" else item["ttl"]
    return until


def _percent(spent: int, limit: int) -> int:
    return next((percent for percent in PERCENT if spent * 100 >= limit * percent), 0)
