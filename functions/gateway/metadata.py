"""`x-drey-metadata`: a caller's own tags of a request, kept with its usage rows and nowhere else."""

from __future__ import annotations

from llm_core import shapes
from llm_core.aws.http import Door
from llm_core.errors import InvalidRequest

MOST_BYTES = 1_024


def read(door: Door) -> dict[str, str]:
    """The tags; none without the header. Raises InvalidRequest, which never repeats them."""
    header = door.header("x-drey-metadata")
    if header is None:
        return {}
    data = header.encode()
    if len(data) > MOST_BYTES:
        raise _refused(f"has at most {MOST_BYTES:,} bytes, not {len(data):,}")
    try:
        tags = shapes.parse(data)
    except InvalidRequest as error:
        raise _refused("is not valid JSON") from error
    if not isinstance(tags, dict) or not all(name and isinstance(value, str) for name, value in tags.items()):
        raise _refused('is a JSON object of named strings, such as {"team": "search"}')
    return tags


def _refused(words: str) -> InvalidRequest:
    return InvalidRequest(f"x-drey-metadata {words}.", param="x-drey-metadata")
