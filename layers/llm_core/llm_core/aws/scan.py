"""A table read whole: for small ones, and for people who look."""

from __future__ import annotations

from collections.abc import Iterator

from llm_core.aws import clients
from llm_core.aws.table import Item, unavailable, unpacked


def every(table: str) -> Iterator[Item]:
    """All items, in no order. Raises StoreUnavailable while it is read."""
    pages = clients.dynamodb().get_paginator("scan").paginate(TableName=table)
    try:
        for page in pages:
            yield from map(unpacked, page["Items"])
    except clients.FAILURES as error:
        raise unavailable(error) from error
