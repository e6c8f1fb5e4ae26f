"""POST /v1/live/ticket: what opens the live socket once, within a minute."""

from __future__ import annotations

import json

from live import tickets
from llm_core import callers
from llm_core.aws.http import Door, Response
from llm_core.settings import settings

handler = door = Door()

settings()  # a wrong environment stops the door at its start


@door.post("/v1/live/ticket")
def ticket() -> Response:
    caller = callers.admit(door.api_key(), "ai:complete", "agent:run")
    made = tickets.make(caller.key_id)
    # http://... is a machine of one's own; in AWS it is https, and so wss.
    url = f"ws{settings().need('live_endpoint').removeprefix('http')}?ticket={made}"
    return Response(200, json.dumps({"ticket": made, "url": url, "expiresIn": tickets.SECONDS}).encode())
