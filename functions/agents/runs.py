"""POST /v1/agents/run, GET /v1/agents/runs, and cancel, approve, reject; GET /v1/tools: runs of agents."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import unquote

from agents import ordering, showing
from agents.beginning import begun
from agents.kinds import kinds
from agents.tools.registry import tools
from llm_core import callers, shapes
from llm_core.aws import tracing
from llm_core.aws.http import Door, Response
from llm_core.errors import InvalidRequest
from llm_core.runs import approval, ending
from llm_core.runs import run as stored
from llm_core.runs.cancel import cancel as stop
from llm_core.runs.events import after
from llm_core.runs.run import Run
from llm_core.runs.shapes import Word
from llm_core.settings import settings

handler = door = Door()

settings()  # a wrong environment stops the door at its start

AT_ONCE_S = 20.0
"""Within which a run may end and be answered whole; else its caller comes back for it."""

_LOOKS_S = (0.05, 0.25)
"""Between two looks: the first ones soon, for runs that fail at once."""

_MOST_RUNS = 100


@door.post("/v1/agents/run")
def run() -> Response:
    caller = callers.admit(door.api_key(), "agent:run")
    deadline = door.deadline
    made, headers = begun(door, caller)
    until, pause = time.monotonic() + min(AT_ONCE_S, deadline.left), _LOOKS_S[0]
    while made.status == "running" and time.monotonic() + pause < until:
        with tracing.span("wait"):
            time.sleep(pause)
        pause = min(pause * 1.5, _LOOKS_S[1])
        made = stored.find(made.id)
    return _json(_shown(made), 200 if made.over else 202, headers)


@door.get("/v1/agents/runs")
def list_runs() -> Response:
    caller = callers.admit(door.api_key(), "agent:run")
    asked = door.current_event.query_string_parameters or {}
    text = asked.get("limit", "20")
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_RUNS:
        raise InvalidRequest(f"limit: a number from 1 to {_MOST_RUNS}.", param="limit")
    limit = int(text)
    before = asked.get("before")
    if before is not None and not stored.is_id(before):
        raise InvalidRequest("before: the id of a run.", param="before")
    found = stored.of_owner(caller.user_id, before=before, limit=limit + 1)
    page = found[:limit]
    more = len(found) > limit
    told = {"data": [showing.run(each) for each in page], "hasMore": more, "before": page[-1].id if more else None}
    return _json(told)


@door.get("/v1/agents/runs/<run_id>")
def one_run(run_id: str) -> Response:
    return _json(_shown(ending.looked_at(_own(run_id), door.deadline)))


@door.post("/v1/agents/runs/<run_id>/cancel")
def cancel(run_id: str) -> Response:
    return _json(_shown(stop(_own(run_id).id, door.deadline)))


@door.post("/v1/agents/runs/<run_id>/approve")
def approve(run_id: str) -> Response:
    return _decided(run_id, "approved")


@door.post("/v1/agents/runs/<run_id>/reject")
def reject(run_id: str) -> Response:
    return _decided(run_id, "rejected")


@door.get("/v1/tools")
def list_tools() -> Response:
    caller = callers.admit(door.api_key(), "agent:run")
    usable = {kind.name: ordering.available(kind, caller) for kind in kinds().values()}
    told = [
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.schema,
            "types": [kind for kind, names in usable.items() if tool.name in names],
        }
        for tool in tools().values()
    ]
    agents = [
        {"type": kind.name, "description": kind.description, "input": list(kind.input), "tools": usable[kind.name]}
        for kind in kinds().values()
    ]
    return _json({"data": told, "agents": agents})


def _decided(run_id: str, word: Literal["approved", "rejected"]) -> Response:
    found = _own(run_id)
    body = shapes.read(Word, shapes.parse(door.body() or b"{}"))
    return _json(_shown(approval.decide(found.id, word, door.deadline, of=body.hash, note=body.reason)))


def _own(run_id: str) -> Run:
    """Raises NotFound, also for somebody else's."""
    caller = callers.admit(door.api_key(), "agent:run")
    return stored.find(unquote(run_id), caller.user_id)


def _shown(found: Run) -> dict[str, Any]:
    return showing.run(found, after(found.id))


def _json(shape: dict[str, Any], status: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> Response:
    return Response(status, json.dumps(shape).encode(), headers)
