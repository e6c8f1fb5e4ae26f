"""POST /v1/agents/stream: a run's steps while they happen, of a new run or of one that has begun."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents import watching
from agents.beginning import begun
from llm_core import callers, shapes
from llm_core.aws.http import Door, Response
from llm_core.deadline import Deadline
from llm_core.runs import run as stored
from llm_core.runs.shapes import Watch
from llm_core.settings import settings

handler = door = Door()

settings()  # a wrong environment stops the door at its start

STREAM_S = 840.0
"""A stream ends itself, and says where to go on, a minute before API Gateway would cut it."""


@door.post("/v1/agents/stream")
def stream() -> Response:
    caller = callers.admit(door.api_key(), "agent:run")
    deadline = Deadline.after(min(door.deadline.left, STREAM_S))
    body: Any = shapes.parse(door.body())
    headers: Mapping[str, str] = {}
    if isinstance(body, dict) and "runId" in body:
        watch = shapes.read(Watch, body)
        run, seen = stored.find(watch.run_id, caller.user_id), watch.after_seq
    else:
        (run, headers), seen = begun(door, caller), 0
    told = watching.told(run, seen, deadline)
    return Response(200, told, {**headers, "x-drey-run-id": run.id}, "text/event-stream")
