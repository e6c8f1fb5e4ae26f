"""Server-sent events: what the streams of all dialects are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

DONE = b"data: [DONE]\n\n"
"""The end of a stream of OpenAI's, and of ours. Whatever ends without it was cut."""


def data(value: Mapping[str, Any]) -> bytes:
    return b"data: %b\n\n" % to_json(value)


def named(value: Mapping[str, Any]) -> bytes:
    """An event that its own `type` names, as Anthropic has them."""
    return b"event: %b\n%b" % (value["type"].encode(), data(value))
