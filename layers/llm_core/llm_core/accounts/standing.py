"""How an account stands in one window: what it may spend there, has spent, and holds for calls in flight."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from llm_core.accounts import window
from llm_core.accounts.tree import KINDS, Account
from llm_core.accounts.window import Kind, Window


@dataclass(frozen=True, slots=True)
class Standing:
    """nano-USD; `limit` is None where there is none, `end` when the next window begins, None if never."""

    account: str
    kind: Kind
    label: str
    end: datetime | None
    limit: int | None
    spent: int = 0
    held: int = 0

    @property
    def remaining(self) -> int | None:
        """What another call may hold; None without a limit."""
        return None if self.limit is None else max(self.limit - self.spent - self.held, 0)


def of(account: Account, kind: Kind, now: float) -> Standing:
    """Read consistently, all shards; a window that has not begun has nothing spent. Raises StoreUnavailable."""
    label = window.label(kind, now)
    places = [Window(account.name, label, shard) for shard in range(account.shards)]
    items = [item for place in places if (item := place.read()) is not None]
    return Standing(
        account.name,
        kind,
        label,
        places[0].end,
        account.limits.get(kind),
        spent=sum(item["spent"] for item in items),
        held=sum(item["held"] for item in items),
    )


def of_all(line: Iterable[Account], now: float) -> list[Standing]:
    """Every limit of these accounts."""
    return [of(account, kind, now) for account in line for kind in KINDS if kind in account.limits]
