"""GET /sayings/stats: what people think of each model's sayings, and of each service's."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from llm_core.aws.http import Door, Response
from llm_core.settings import settings
from sayings import sums

handler = door = Door()

settings()  # a wrong environment stops the door at its start

KEPT_SECONDS = 120

_kept: tuple[float, dict[str, Any]] = (0.0, {})


@door.get("/sayings/stats")
def stats() -> Response:
    global _kept  # noqa: PLW0603 - one container, one memory
    until, told = _kept
    if time.monotonic() >= until:
        told = {**sums.statistics(sums.read()), "asOf": datetime.now(UTC).isoformat(timespec="seconds")}
        _kept = time.monotonic() + KEPT_SECONDS, told
    return Response(200, json.dumps(told).encode(), {"cache-control": f"public, max-age={KEPT_SECONDS}"})
