"""`python -m local usage`: the rows that the ledger wrote, newest first."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from rich.console import Console
from rich.table import Table

from local.emulator import client
from local.project import CannotStart, Project

_NANO = Decimal(10) ** 9


def show(project: Project, limit: int) -> None:
    """Print the newest `limit` rows of the running platform. Raises CannotStart when nothing runs."""
    running = project.now_running()
    name = running["environment"].get("USAGE_TABLE_NAME")
    if not name:
        raise CannotStart("No door of template.yaml has a USAGE_TABLE_NAME")
    rows = _rows(running["emulator"], name)
    title = f"{min(limit, len(rows))} of {len(rows)} usage rows in {name}"
    table = Table(title=title, box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for name in ("time", "user", "key", "model", "in", "out", "USD", "ms", "outcome"):
        table.add_column(name, no_wrap=True, justify="right" if name in ("in", "out", "ms") else "left")
    for row in rows[:limit]:
        table.add_row(*_cells(row))
    Console().print(table if rows else f"No usage rows yet in {name}.")


def _rows(emulator: str, table: str) -> list[dict[str, Any]]:
    read = TypeDeserializer().deserialize
    pages = client("dynamodb", emulator).get_paginator("scan").paginate(TableName=table)
    rows = [{name: read(value) for name, value in item.items()} for page in pages for item in page["Items"]]
    return sorted(rows, key=lambda row: row["timestamp"], reverse=True)


def _cells(row: dict[str, Any]) -> Iterable[str]:
    yield datetime.fromtimestamp(int(row["timestamp"]) / 1000).astimezone().strftime("%m-%d %H:%M")
    yield str(row["userId"])
    yield str(row.get("keyId", "")).removeprefix("sk-proj-")[:6]
    yield str(row.get("model", ""))
    tokens = row.get("tokens", {})
    yield str(sum(count for name, count in tokens.items() if name.startswith(("input", "cache"))))
    yield str(tokens.get("output", ""))
    yield f"{Decimal(row.get('charged', 0)) / _NANO:.6f}"
    yield str(row.get("latencyMs", ""))
    yield str(row.get("outcome", ""))
