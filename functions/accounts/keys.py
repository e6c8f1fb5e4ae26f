"""GET /v1/key: what a key may."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from llm_core import callers
from llm_core.aws import telemetry
from llm_core.aws.http import Door, Response
from llm_core.callers import Caller
from llm_core.settings import settings

handler = door = Door()

settings()  # a wrong environment stops the door at its start


@door.get("/v1/key")
def myself() -> Response:
    caller = callers.identify(door.api_key())
    telemetry.label(key_id=caller.key_id, user_id=caller.user_id)
    return Response(200, json.dumps(_shown(caller)).encode())


def _shown(caller: Caller) -> dict[str, Any]:
    return {
        "keyId": caller.key_id,
        "userId": caller.user_id,
        "scopes": sorted(caller.scopes),
        "models": caller.models,
        "requestsPerMinute": caller.requests_per_minute,
        "tokensPerMinute": caller.tokens_per_minute,
        "policy": caller.policy,
        "asOf": datetime.now(UTC).isoformat(timespec="seconds"),
    }
