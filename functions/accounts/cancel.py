"""DELETE /v1/generations/{id}: an answer that is being streamed ends now."""

from __future__ import annotations

import json
from urllib.parse import unquote

from llm_core import callers, generations
from llm_core.aws.http import Door, Response
from llm_core.settings import settings

handler = door = Door()

settings()  # a wrong environment stops the door at its start


@door.delete("/v1/generations/<call_id>")
def cancel(call_id: str) -> Response:
    caller = callers.admit(door.api_key(), "ai:complete", "budget:write")
    shown = unquote(call_id)
    status = generations.cancel(caller, shown, door.deadline)
    return Response(202 if status == "cancelling" else 200, json.dumps({"id": shown, "status": status}).encode())
