"""Invoked by GET /sayings, which does not wait: four models write the sayings of the next requests."""

from __future__ import annotations

import random
from typing import Any

from llm_core import gateway
from llm_core.aws import claims, telemetry
from llm_core.aws.claims import Claimed
from llm_core.errors import StoreUnavailable
from llm_core.settings import settings
from sayings import builder, trouble

CLAIM = "sayings#build"

LEASE_SECONDS = 55
PAUSE_SECONDS = 60
"""One round at a time, and one a minute, however many containers ask for it."""

gateway.prepare()


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """{role: sayings that are new}; {} where another round is under way or has just been. Never fails: nobody waits."""
    new: dict[str, int] = {}
    if event.get("warmup"):
        return new
    with telemetry.request(request_id=context.aws_request_id):
        try:
            claims.once(
                settings().need("health_table_name"),
                CLAIM,
                lambda: new.update(builder.build(random.SystemRandom())),
                lease=LEASE_SECONDS,
                lasts=PAUSE_SECONDS,
            )
        except Claimed:
            telemetry.logger.info("sayings are being written", extra={"event": "sayings_claimed"})
        except StoreUnavailable as error:
            trouble.log(error, "DynamoDB", "Error beginning a round of sayings")
        telemetry.logger.info("sayings written", extra={"event": "sayings_built", "new": new})
    return new
