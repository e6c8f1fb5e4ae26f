"""Counts usage rows once each, however often and in whatever order their versions arrive, and whoever else counts.

Beside the cells stands a marker for each row: the version that was counted, and what it added. Marker and cells change
in one transaction, on the condition that the marker is as it was thought to be. A newer version adds the difference.

A marker lives a day longer than its row, and a row past its time counts nothing: so none is counted again.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from llm_core.aws.table import Item
from llm_core.aws.writes import ConditionFailed, Write, together
from llm_core.deadline import Deadline
from llm_core.errors import DreyError
from llm_core.roll_ups.contribution import Cell, Contribution
from llm_core.settings import settings

MOST = 100
"""Items that DynamoDB takes in one transaction."""

_DAY = 86_400
_MARKER = "counted"


class Unreadable(DreyError):
    """A row that lacks what every row has: it cannot be counted, now or at another try."""

    code = "row_unreadable"


@dataclass(frozen=True, slots=True)
class Fact:
    """One version of one row. `scope` is where its marker stands."""

    scope: str
    version: int
    adds: Contribution
    ttl: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Fact:
        """Raises Unreadable."""
        try:
            scope = f"row:{row['userId']}:{Decimal(row['timestamp']):f}"
            return cls(scope, int(row.get("version", 1)), Contribution.of(row), int(row["ttl"]))
        except (ArithmeticError, AttributeError, KeyError, OSError, TypeError, ValueError) as error:
            raise Unreadable(f"A usage row cannot be counted: {type(error).__name__} {error}.") from error


def count(facts: Iterable[Fact], deadline: Deadline) -> int:
    """Add what was not yet counted; how many rows that was.

    Raises StoreUnavailable. What was counted until then stays counted, and is not counted by another try.
    """
    newest: dict[str, Fact] = {}
    for fact in facts:
        if fact.ttl > time.time() and (fact.scope not in newest or newest[fact.scope].version < fact.version):
            newest[fact.scope] = fact
    waiting, counted = deque(newest.values()), 0
    markers: dict[str, Item] = {}
    while waiting:
        step = _step(waiting, markers)
        try:
            if step.facts:
                together(step.writes(), deadline)
        except ConditionFailed as failure:  # delivered again, or counted by another in the meantime
            found = {item["scope"]: item for item in failure.items if item}
            markers = markers | found if found else {}
            waiting.extendleft(reversed(step.facts))
        else:
            counted += len(step.facts)
    return counted


@dataclass(slots=True)
class _Step:
    """Rows that are counted in one transaction: their markers, and the sums of what they change."""

    facts: list[Fact] = field(default_factory=list)
    markers: list[Write] = field(default_factory=list)
    sums: dict[Cell, Counter[str]] = field(default_factory=dict)

    def take(self, fact: Fact, marker: Item | None) -> bool:
        """Whether it fits: the first one does."""
        parts = [(fact.adds, 1)]
        if marker:
            parts.append((Contribution.stored(fact.adds.user_id, marker[_MARKER]), -1))
        cells = {cell for part, _ in parts for cell in part.cells()}
        if len(self.facts) + 1 + len(self.sums.keys() | cells) > MOST:
            return False
        self.facts.append(fact)
        self.markers.append(_marker(fact, marker))
        for part, sign in parts:
            for cell in part.cells():
                total = self.sums.setdefault(cell, Counter())
                for name, amount in part.amounts.items():
                    total[name] += sign * amount
        return True

    def writes(self) -> list[Write]:
        ttl = max(fact.ttl for fact in self.facts) + _DAY
        sums = ((cell, {name: n for name, n in total.items() if n}) for cell, total in self.sums.items())
        return self.markers + [_addition(cell, amounts, ttl) for cell, amounts in sums if amounts]


def _step(waiting: deque[Fact], markers: Mapping[str, Item]) -> _Step:
    """As many of those that wait as fit into a transaction, without those that were counted."""
    step = _Step()
    while waiting:
        marker = markers.get(waiting[0].scope)
        known = marker is not None and marker["version"] >= waiting[0].version
        if not known and not step.take(waiting[0], marker):
            break
        waiting.popleft()
    return step


def _marker(fact: Fact, before: Item | None) -> Write:
    key = {"scope": fact.scope, "cell": _MARKER}
    item = {**key, "version": fact.version, "ttl": fact.ttl + _DAY, _MARKER: fact.adds.item}
    table = settings().need("roll_ups_table_name")
    if before is None:
        return Write(table, key, condition="attribute_not_exists(#cell)", item=item)
    return Write(table, key, condition="#version = :seen", values={":seen": before["version"]}, item=item)


def _addition(cell: Cell, amounts: Mapping[str, int], ttl: int) -> Write:
    return Write(
        settings().need("roll_ups_table_name"),
        {"scope": cell.scope, "cell": cell.sort},
        change=f"SET #ttl = :ttl ADD {', '.join(f'#{name} :{name}' for name in amounts)}",
        values={":ttl": ttl, **{f":{name}": amount for name, amount in amounts.items()}},
    )
