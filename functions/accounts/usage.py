"""GET /v1/usage, /v1/generations/{id}: what was used and what it cost; one call with all its attempts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import unquote

from accounts import generation, report
from llm_core import callers, generations
from llm_core.accounts import tree
from llm_core.aws.http import Door, Response
from llm_core.settings import settings

handler = door = Door()

settings()  # a wrong environment stops the door at its start


@door.get("/v1/usage")
def usage() -> Response:
    caller = callers.admit(door.api_key(), "usage:read")
    now = datetime.now(UTC)
    asked = report.read(door.current_event.query_string_parameters or {}, now.date())
    found = report.make(asked, f"user:{caller.user_id}", now, tree.seen(caller.account))
    if asked.format == "csv":
        name = f'attachment; filename="usage-{asked.first}-{asked.last}.csv"'
        return Response(200, report.csv(found).encode(), {"Content-Disposition": name}, "text/csv; charset=utf-8")
    return Response(200, json.dumps(report.shown(found)).encode())


@door.get("/v1/generations/<call_id>")
def one_generation(call_id: str) -> Response:
    found = generations.find(callers.admit(door.api_key(), "usage:read"), unquote(call_id), door.deadline)
    return Response(200, json.dumps(generation.shown(found)).encode())
