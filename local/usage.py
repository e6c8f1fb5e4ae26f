"""`python -m local usage`: the rows that the ledger wrote, newest first."""

from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from local.emulator import client
from local.project import CannotStart, Project

_COLUMNS = ("userId", "timestamp")  # the table's key; the other columns are whatever the rows have


def show(project: Project, rows: int) -> None:
    """Print the newest `rows` rows of the running platform. Raises CannotStart when nothing runs."""
    running = project.now_running()
    name = running["environment"].get("USAGE_TABLE_NAME")
    if not name:
        raise CannotStart("No door of template.yaml has a USAGE_TABLE_NAME")
    found: list[dict[str, Any]] = []
    for page in client("dynamodb", running["emulator"]).get_paginator("scan").paginate(TableName=name):
        found += [{key: _plain(value) for key, value in item.items()} for item in page["Items"]]
    found.sort(key=lambda row: Decimal(str(row.get("timestamp", 0))), reverse=True)
    latest = found[:rows]
    names = [*_COLUMNS, *sorted({key for row in latest for key in row} - set(_COLUMNS))]
    table = Table(*names, title=f"{len(latest)} of {len(found)} usage rows ({name})")
    for row in latest:
        table.add_row(*(str(row.get(key, "")) for key in names))
    Console().print(table if latest else f"No usage rows yet ({name}).")


def _plain(value: dict[str, Any]) -> Any:
    """DynamoDB's {"S": "a"} -> "a"."""
    kind, inner = next(iter(value.items()))
    match kind:
        case "M":
            return {key: _plain(v) for key, v in inner.items()}
        case "L":
            return [_plain(v) for v in inner]
        case "NULL":
            return None
        case _:
            return inner
