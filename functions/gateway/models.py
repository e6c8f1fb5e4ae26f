"""GET /v1/models, /v1/models/{id}, /v1/openapi.json, /health, /v1/health: what can be asked; are we alive."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from gateway.openapi import describe
from llm_core import callers, routing
from llm_core.aws import outages, refusals, telemetry
from llm_core.aws.http import Door, Response
from llm_core.aws.stage_catalog import catalog
from llm_core.catalog import Model
from llm_core.errors import StoreUnavailable
from llm_core.settings import settings

handler = door = Door({"/v1/models": refusals.openai})

settings()  # a wrong environment stops the door at its start

_started = time.monotonic()
LOOKED_SECONDS = 5

_looked: tuple[float, list[str]] = (0.0, [])

_BUCKETS = {"input", "output", "cache_write_5m", "cache_write_1h", "cache_read"}


@door.get("/v1/models")
def list_models() -> Response:
    callers.admit(door.api_key(), "ai:complete", "ai:embed")
    names = (name for names in (catalog().routes, catalog().roles, catalog().aliases) for name in names)
    models = [_shown(model.model, model) for model in catalog().models]
    models += [_shown(name, _first(name)) for name in names if name not in catalog().by_name]
    return _json({"object": "list", "data": models, "has_more": False, "first_id": None, "last_id": None})


@door.get("/v1/models/.+")  # a full name has a slash of its own
def retrieve_model() -> Response:
    callers.admit(door.api_key(), "ai:complete", "ai:embed")
    name = unquote(door.current_event.path_parameters["id"])
    return _json(_shown(name, _first(name)))


@door.get("/v1/openapi.json")
def openapi() -> Response:
    return _json(describe(settings().drey_version))


@door.get("/v1/health")
@door.get("/health")
def health() -> Response:
    unavailable = _unavailable()
    shape = {
        "status": "degraded" if unavailable else "ok",
        "version": settings().drey_version,
        "uptime": round(time.monotonic() - _started, 3),
        "providers": _providers(),
        "unavailable": unavailable,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }
    return _json(shape)


def _providers() -> list[str]:
    return sorted({model.provider for model in catalog().models})


def _unavailable() -> list[str]:
    """Providers and models that cannot be asked; `tables` where ours cannot. Looked up once in five seconds."""
    global _looked  # noqa: PLW0603 - one container, one memory
    until, found = _looked
    if time.monotonic() >= until:
        try:
            found = outages.among([*_providers(), *(model.name for model in catalog().models)])
        except StoreUnavailable:
            telemetry.logger.exception("health unknown", extra={"event": "health_unknown"})
            found = ["tables"]
        _looked = time.monotonic() + LOOKED_SECONDS, found
    return found


def _json(shape: dict[str, Any]) -> Response:
    return Response(200, json.dumps(shape).encode())


def _first(name: str) -> Model:
    """The model that a name stands for: a route's first candidate, what a role or an older name leads to."""
    return routing.resolve(name, catalog()).candidates[0]


def _shown(name: str, model: Model) -> dict[str, Any]:
    """A model as both SDKs read it, with what they lack: limits in tokens, prices in USD per million tokens.

    `root` is its own id where `name` is another. `created` and `created_at` are required by the SDKs and unknown here:
    the beginning of the epoch.
    """
    prices = model.model_dump(include=_BUCKETS)
    return {
        "id": name,
        "object": "model",
        "type": "model",
        "display_name": model.name,
        "root": model.model,
        "created": 0,
        "created_at": "1970-01-01T00:00:00Z",
        "owned_by": model.provider,
        "kind": model.kind,
        "context_length": model.context,
        "max_output": model.max_output,
        "capabilities": sorted(model.capabilities),
        "pricing": {bucket: None if price is None else float(price) for bucket, price in prices.items()},
        "shutdown": model.shutdown and model.shutdown.isoformat(),
        "checked_on": model.checked_on and model.checked_on.isoformat(),
    }
