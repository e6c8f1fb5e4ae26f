"""Schedule, each minute: holds whose caller died are finished."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from llm_core.accounts import sweeper
from llm_core.aws import telemetry
from llm_core.deadline import Deadline
from llm_core.settings import settings

settings()  # a wrong environment stops the door at its start

_SECONDS_KEPT = 2.0


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """What was swept: see sweeper.Count."""
    if event.get("warmup"):
        return {}
    with telemetry.request(request_id=event.get("id", "unknown"), gateway_request_id="none", path="sweep"):
        deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000 - _SECONDS_KEPT)
        count = asdict(sweeper.sweep(time.time(), deadline))
        telemetry.logger.info("swept", extra={"event": "swept", **count})
    return count
