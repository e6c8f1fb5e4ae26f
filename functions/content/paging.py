"""Which part of a list is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from llm_core.errors import InvalidRequest

USUAL, MOST = 20, 100


@dataclass(frozen=True, slots=True)
class Asked:
    """`list` is what the index calls it, "" for whatever the door shows."""

    limit: int
    cursor: str | None
    tag: str = ""
    list: str = ""


def read(query: Mapping[str, str]) -> Asked:
    """Raises InvalidRequest."""
    limit = query.get("limit", str(USUAL))
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit[:4]) <= MOST:
        raise InvalidRequest(f"limit: from 1 to {MOST}.", param="limit")
    tag = query.get("tag", "").lower()
    if tag and not re.fullmatch(r"[a-z0-9-]{1,40}", tag):
        raise InvalidRequest("tag: letters, digits and hyphens.", param="tag")
    return Asked(int(limit), query.get("cursor") or None, tag, f"tag#{tag}" if tag else "")
