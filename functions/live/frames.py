"""What is sent on the live socket: `{type, requestId | runId, seq, ts, data}` as JSON, at most 32 KB each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic_core import to_json

from llm_core.aws.refusals import native, refusal
from llm_core.errors import DreyError

MOST_BYTES = 32_000
"""API Gateway counts a message in frames of 32 KB."""

Type = Literal["ack", "delta", "step", "usage", "done", "error", "pong"]
About = Mapping[str, str]
"""`{"requestId": ...}`, `{"runId": ...}` or nothing."""


def frame(type: Type, about: About, *, seq: int | None = None, ts: str = "", data: Mapping[str, Any]) -> bytes:
    """`seq` strictly grows within what it is about: who has seen a number need not look at it again."""
    number = {} if seq is None else {"seq": seq}
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return to_json({"type": type, **about, **number, "ts": ts or now, "data": dict(data)})


def error(failure: DreyError, about: About, request_id: str, *, seq: int | None = None) -> bytes:
    """`data` is what the native dialect answers: `{error, code, statusCode, requestId}`."""
    return frame("error", about, seq=seq, data=json.loads(refusal(failure, native, request_id).body))
