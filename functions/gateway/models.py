"""GET /v1/models, /v1/models/{id}, /health, /v1/health: what can be asked, and whether we are alive."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from llm_core import callers
from llm_core.aws.http import Door, Response
from llm_core.catalog import Model, catalog
from llm_core.settings import settings

handler = door = Door()

_started = time.monotonic()


@door.get("/v1/models")
def list_models() -> Response:
    callers.identify(door.api_key()).require("ai:complete")
    return _json({"object": "list", "data": [_shown(model) for model in catalog().models]})


@door.get("/v1/models/.+")  # a full name has a slash of its own
def retrieve_model() -> Response:
    callers.identify(door.api_key()).require("ai:complete")
    return _json(_shown(catalog().model(unquote(door.current_event.path_parameters["id"]))))


@door.get("/v1/health")
@door.get("/health")
def health() -> Response:
    shape = {
        "status": "ok",
        "version": settings().drey_version,
        "uptime": round(time.monotonic() - _started, 3),
        "providers": sorted({model.provider for model in catalog().models}),
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    return _json(shape)


def _json(shape: dict[str, Any]) -> Response:
    return Response(200, json.dumps(shape).encode())


def _shown(model: Model) -> dict[str, Any]:
    """OpenAI's model object, with what it lacks: limits in tokens, prices in USD per million tokens, the last day."""
    prices = model.model_dump(include={"input", "output", "cache_write_5m", "cache_write_1h", "cache_read"})
    return {
        "id": model.model,
        "object": "model",
        "created": int(
            datetime(model.checked_on.year, model.checked_on.month, model.checked_on.day, tzinfo=UTC).timestamp()
        ),
        "owned_by": model.provider,
        "context_length": model.context,
        "max_output": model.max_output,
        "capabilities": sorted(model.capabilities),
        "pricing": {bucket: price and float(price) for bucket, price in prices.items()},
        "shutdown": model.shutdown and model.shutdown.isoformat(),
        "checked_on": model.checked_on.isoformat(),
    }
