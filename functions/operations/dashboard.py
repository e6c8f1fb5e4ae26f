"""GET /admin/live, /admin/health: what is at work this moment, and how well, for admins."""

from __future__ import annotations

import json
import time
from typing import Any

from llm_core import oversight
from llm_core.aws.http import Door, Response
from llm_core.settings import settings
from operations import at_work, condition

handler = door = Door()

settings()  # a wrong environment stops the door at its start


@door.get("/admin/live")
def live() -> Response:
    _admin()
    return _json(at_work.told(time.time()))


@door.get("/admin/health")
def health() -> Response:
    _admin()
    return _json(condition.told(time.time()))


def _admin() -> None:
    """Raises Unauthorized, NotAllowed; a look is a row of the audit table."""
    oversight.looking(door.current_event.raw_event, door.current_event.path, door.deadline)


def _json(shape: dict[str, Any]) -> Response:
    return Response(200, json.dumps(shape).encode(), {"Cache-Control": "no-store"})
