"""What a model wrote, read as sayings: forgiving about the wrapping, strict about each text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from sayings.services import Service

SHORTEST, LONGEST = 20, 300
"""Characters of a saying."""

_JSON = re.compile(r"[{\[].*[}\]]", re.DOTALL)
_BULLET = re.compile(r"^\s*(?:[-*\u2022]|\d+[.)])\s*")
_UNFIT = re.compile(r"[<>{}\[\]\x00-\x1f\x7f]|https?:|```|\ufffd")
_QUOTED = re.compile("^[\"'\u201c\u2018](.*)[\"'\u201d\u2019]$", re.DOTALL)


def read(text: str, wanted: Sequence[Service]) -> dict[str, str]:
    """{id of a service: its saying}, of those that were wanted; what is no saying is left out, the others stay."""
    found: dict[str, str] = {}
    for name, said in _pairs(text, wanted):
        service = _service(name, wanted)
        saying = _fit(said)
        if service is not None and saying is not None and saying.casefold() not in map(str.casefold, found.values()):
            found.setdefault(service.id, saying)
    return found


def _pairs(text: str, wanted: Sequence[Service]) -> Iterator[tuple[object, object]]:
    """Names and texts, as JSON of any of the usual shapes or as lines; texts without a name in the order asked for."""
    inside = _JSON.search(text)
    try:
        told: Any = json.loads(inside[0]) if inside else None
    except (RecursionError, ValueError):
        told = None
    if isinstance(told, dict) and len(told) == 1 and isinstance(inner := next(iter(told.values())), list | dict):
        told = inner
    if isinstance(told, dict):
        yield from told.items()
    elif isinstance(told, list):
        yield from (_pair(each, wanted, place) for place, each in enumerate(told))
    elif not inside:
        lines = [_BULLET.sub("", line) for line in text.splitlines() if line.strip()]
        yield from ((name.strip(" *"), said) for name, colon, said in (line.partition(":") for line in lines) if colon)


def _pair(each: object, wanted: Sequence[Service], place: int) -> tuple[object, object]:
    if isinstance(each, dict):
        return each.get("service", each.get("id")), each.get("saying", each.get("text"))
    return (wanted[place].id if place < len(wanted) else None), each


def _service(name: object, wanted: Sequence[Service]) -> Service | None:
    plain = str(name).strip().casefold()
    names = ({service.id, service.name.casefold(), *map(str.casefold, service.said)} for service in wanted)
    return next((service for service, known in zip(wanted, names, strict=True) if plain in known), None)


def _fit(said: object) -> str | None:
    """The text on one line, if a person may be shown it."""
    if not isinstance(said, str):
        return None
    plain = " ".join(said.split())
    quoted = _QUOTED.match(plain)
    plain = quoted[1].strip() if quoted else plain
    if not SHORTEST <= len(plain) <= LONGEST or _UNFIT.search(plain):
        return None
    return plain
