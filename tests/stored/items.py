"""What a release leaves in the tables: one item of each kind, as they stand after somebody has used the platform.

A release writes its own file once: `DREY_RELEASE=0.2.0 pytest tests/stored` puts it beside the others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
Item = dict[str, Any]

NAMED = {
    "KEYS": "key",
    "USAGE": "usage row",
    "BUDGETS": "account or window",
    "ROLL_UPS": "cell or marker",
    "AUDIT": "act",
    "RUNS": "run and what belongs to it",
    "CONTENT": "post",
}
"""What outlives a deployment. The other tables may be lost with it (template.yaml says so at each)."""


def kind(table: str, item: Item) -> str:
    """What an item is, beside others of its table."""
    match table:
        case "BUDGETS":
            account, _, window = item["userId"].partition("#")
            return f"{'window' if window else 'account'} of a {account.partition(':')[0]}"
        case "ROLL_UPS":
            return "marker" if item["cell"] == "counted" else f"cell of {item['scope'].partition(':')[0]}"
        case "RUNS":
            return str(item["item"]).partition("#")[0]
        case "CONTENT":
            return f"{item['type']} {re.split(r'[-#@]', item['postId'])[0]}"
        case _:
            return NAMED[table]


def chosen(tables: Mapping[str, Iterable[Item]]) -> dict[str, dict[str, Item]]:
    """One item of each kind, the one with most attributes: {table: {kind: item}}."""
    found: dict[str, dict[str, Item]] = {}
    for table, items in tables.items():
        for item in items:
            own = found.setdefault(table, {})
            before = own.get(kind(table, item))
            if before is None or len(item) > len(before):
                own[kind(table, item)] = item
    return found


def written(items: dict[str, dict[str, Item]]) -> str:
    """As it is kept: numbers stay numbers, sets are told apart."""
    return json.dumps(items, indent=1, sort_keys=True, default=_plain, ensure_ascii=False) + "\n"


def read(file: Path) -> dict[str, dict[str, Item]]:
    found: dict[str, dict[str, Item]] = json.loads(file.read_text(), object_hook=_typed, parse_float=Decimal)
    return found


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return {"decimal": str(value)}
        case set():
            return {"set": sorted(value)}
        case _:
            raise TypeError(type(value))


def _typed(value: dict[str, Any]) -> Any:
    match value:
        case {"set": list(members), **rest} if not rest:
            return set(members)
        case {"decimal": str(text), **rest} if not rest:
            return Decimal(text)
        case _:
            return value
