"""Lists of posts, newest first: what is published, has a tag, is related. Each reads no more than it shows."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from content.post import Post
from content.store import table_name
from llm_core.aws import table
from llm_core.errors import InvalidRequest

INDEX = "list"
RELATED = 6

_CURSOR = re.compile(r"[0-9TZ:.\-]{20,32}#[a-z0-9-]{1,60}")


def page(name: str, *, limit: int, cursor: str | None = None) -> tuple[list[table.Item], str | None]:
    """So many of a list (`published`, `tag#python`), a moment late, and where the next page begins; None at the end.

    Raises InvalidRequest for a cursor that is none, StoreUnavailable.
    """
    if cursor is not None and not _CURSOR.fullmatch(cursor):
        raise InvalidRequest("cursor: take it from the page before.", param="cursor")
    found = table.latest(table_name(), INDEX, {"list": name}, sort="date", before=cursor, limit=limit)
    return found, found[-1]["date"] if len(found) == limit else None


def related(post: Post, tags: int = 3) -> list[table.Item]:
    """Others that share most of its first tags, newest first, filled up with the latest; never the post itself."""
    found: dict[str, table.Item] = {}
    shared: Counter[str] = Counter()
    for tag in post.tags[:tags]:
        for item in page(f"tag#{tag}", limit=RELATED + 1)[0]:
            found.setdefault(item["of"], item)
            shared[item["of"]] += 1
    for item in page("published", limit=RELATED + 1)[0]:
        found.setdefault(item["postId"], item)
    others: list[Any] = [(shared[name], item["date"], item) for name, item in found.items() if name != post.id]
    return [item for _, _, item in sorted(others, key=lambda each: each[:2], reverse=True)[:RELATED]]


def everything() -> list[table.Item]:
    """All that is published. Raises StoreUnavailable."""
    items: list[table.Item] = []
    cursor: str | None = None
    while True:
        found, cursor = page("published", limit=1_000, cursor=cursor)
        items += found
        if cursor is None:
            return items
