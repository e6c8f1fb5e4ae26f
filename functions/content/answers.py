"""Answers that a browser may keep: with a hash of what is in them, and 304 when it is what the browser has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from llm_core.aws.http import JSON, Door, Response

SECONDS = 60
"""How long a reader's copy is good. A post that is withdrawn is seen so long."""


def public(door: Door, body: Any, *, content_type: str = JSON, headers: Mapping[str, str] | None = None) -> Response:
    """For everybody; `body` is text, or what becomes JSON."""
    content = (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    told = {"ETag": tag, "Cache-Control": f"public, max-age={SECONDS}", **(headers or {})}
    known = {each.strip().removeprefix("W/") for each in (door.header("if-none-match") or "").split(",")}
    if tag in known or "*" in known:
        return Response(304, b"", told, content_type)
    return Response(200, content, told, content_type)


def private(body: Any, status: int = 200) -> Response:
    """For the writer who asked."""
    return Response(status, json.dumps(body, ensure_ascii=False).encode(), {"Cache-Control": "no-store"})
