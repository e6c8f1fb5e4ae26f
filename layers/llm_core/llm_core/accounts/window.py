"""One account in one window: what it may spend, holds and has spent. One item, one conditional write a step.

    limit == remaining + held + spent       at every instant, in nano-USD

The window is in the key (`user:ada#2026-11#0`), so nothing is ever reset. What calls hold in it: steps.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from llm_core.aws import table
from llm_core.aws.writes import Write
from llm_core.settings import settings

UNLIMITED = 10**18
"""nano-USD: a billion USD stands for no limit, so that no condition needs a second form."""

Kind = Literal["month", "day", "total"]

OPEN = "open"
"""Index of the windows that may have open holds: what the sweeper reads instead of the table."""

_KEPT_DAYS = {"month": 400, "day": 40}
"""After its end. A total has none and is kept for ever: a new one would begin with nothing spent."""


@dataclass(frozen=True, slots=True)
class Window:
    """`label` is `2026-11`, `2026-11-20` (UTC) or `total`."""

    account: str
    label: str
    shard: int = 0

    @property
    def name(self) -> str:
        return f"{self.account}#{self.label}#{self.shard}"

    @property
    def kind(self) -> Kind:
        return "total" if self.label == "total" else "month" if len(self.label) == 7 else "day"

    @property
    def end(self) -> datetime | None:
        """When the next window begins; None if never."""
        if self.kind == "total":
            return None
        first = datetime.fromisoformat(f"{self.label}-01"[:10]).replace(tzinfo=UTC)
        return first + timedelta(days=1) if self.kind == "day" else (first + timedelta(days=32)).replace(day=1)

    def item(self, limit: int, **more: Any) -> table.Item:
        """As it is created: nothing held, nothing spent."""
        expires = self.end and self.end + timedelta(days=_KEPT_DAYS[self.kind])
        return {
            "userId": self.name,
            "account": self.account,
            "window": self.label,
            "shard": self.shard,
            "limit": limit,
            "remaining": limit,
            "held": 0,
            "spent": 0,
            "overrun": 0,
            "holds": {},
            "ended": {},
            **({"ttl": int(expires.timestamp())} if expires else {}),
            **more,
        }

    def read(self) -> table.Item | None:
        """Consistently. Raises StoreUnavailable."""
        return table.get(settings().need("budgets_table_name"), {"userId": self.name})

    def write(
        self, change: str, condition: str, values: Mapping[str, Any], names: Mapping[str, str] | None = None
    ) -> Write:
        """A conditional update of this item."""
        name = settings().need("budgets_table_name")
        return Write(name, {"userId": self.name}, change, condition, values, names or {})


def label(kind: Kind, now: float) -> str:
    """The window of a kind at a time (epoch seconds)."""
    form = {"month": "%Y-%m", "day": "%Y-%m-%d", "total": "total"}[kind]
    return datetime.fromtimestamp(now, UTC).strftime(form)


def parsed(name: str) -> Window:
    """The window of a name. An account's own name may hold `#` nowhere."""
    account, text, shard = name.rsplit("#", 2)
    return Window(account, text, int(shard))
