"""`make rollups`: the sums of the usage rows get what they lack, from the rows themselves.

Every row passes through the counting that the stream feeds, which counts none twice: so this may run at any time.
"""

import sys
from collections.abc import Iterator
from itertools import batched
from os import environ
from typing import Any

from rich.console import Console
from rich.progress import Progress

from llm_core.aws import clients, table
from llm_core.deadline import Deadline
from llm_core.roll_ups.counting import Fact, Unreadable, count
from local.key import of_stage
from local.project import Project
from local.screen import complain

_ROWS = 96  # of one key, model and hour they fit into one transaction
_PATIENCE_S = 60.0  # for one such batch, while others count too


def recount(project: Project, stage: str) -> None:
    """Count, and say what was missing. Raises CannotStart when there is no such place, StoreUnavailable."""
    environ.update(of_stage(project, stage))
    seen = missing = 0
    with Progress(disable=not sys.stdout.isatty(), transient=True) as progress:
        bar = progress.add_task("Usage rows", total=None)
        for batch in batched(_facts(), _ROWS, strict=False):
            missing += count(batch, Deadline.after(_PATIENCE_S))
            seen += len(batch)
            progress.update(bar, completed=seen)
    Console().print(f"{seen} usage rows; {missing} of them were missing in the sums.")


def _facts() -> Iterator[Fact]:
    for row in rows():
        try:
            yield Fact.of(row)
        except Unreadable as error:
            complain(f"{row.get('userId')} {row.get('timestamp')}: {error}")


def rows() -> Iterator[dict[str, Any]]:
    """All usage rows there are, read consistently."""
    pages = (
        clients.dynamodb().get_paginator("scan").paginate(TableName=environ["USAGE_TABLE_NAME"], ConsistentRead=True)
    )
    for page in pages:
        yield from map(table.unpacked, page["Items"])
