"""GET /v1/key and all of /v1/auth/keys: API keys are made, seen, changed, given other secrets, revoked."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from accounts import figures
from llm_core import callers, credentials, key_shapes, keyring, keys, shapes
from llm_core.accounts import tree
from llm_core.aws.http import Door, Response
from llm_core.callers import Caller
from llm_core.errors import InvalidRequest
from llm_core.keyring import Change
from llm_core.keys import Key
from llm_core.settings import settings
from llm_core.terms import Terms

handler = door = Door()

settings()  # a wrong environment stops the door at its start


@door.post("/v1/auth/keys")
def create() -> Response:
    caller = callers.admit(door.api_key(), "keys:write")
    body = shapes.read(key_shapes.NewKey, shapes.parse_exactly(door.body()))
    limits = {kind: limit for kind, limit in key_shapes.limits(body).items() if limit is not None}
    terms = Terms(limits=limits, **key_shapes.terms(body))
    made = keys.create(body.name, user_id=caller.user_id, terms=terms, parent=caller.account, by=caller.key_id)
    return _json({"apiKey": made.api_key, **_shown(keys.find(made.key_id), caller)}, 201)


@door.get("/v1/auth/keys")
def list_keys() -> Response:
    caller = callers.admit(door.api_key(), "keys:write")
    return _json({"data": [figures.key(found, account, caller) for found, account in keyring.reached(caller)]})


@door.get("/v1/auth/keys/<key_id>")
def one_key(key_id: str) -> Response:
    caller = callers.admit(door.api_key(), "keys:write")
    return _json(_with_spending(keyring.reach(caller, unquote(key_id)), caller))


@door.patch("/v1/auth/keys/<key_id>")
def change(key_id: str) -> Response:
    caller = callers.admit(door.api_key(), "keys:write")
    body = shapes.read(key_shapes.KeyChange, shapes.parse_exactly(door.body()))
    if not body.model_fields_set:
        raise InvalidRequest("Name at least one field that is to change.")
    name = body.name if "name" in body.model_fields_set else None
    asked = Change(name, key_shapes.limits(body), key_shapes.terms(body))
    return _json(_shown(keyring.change(caller, unquote(key_id), asked, door.deadline), caller))


@door.delete("/v1/auth/keys/<key_id>")
def revoke(key_id: str) -> Response:
    caller = callers.admit(door.api_key(), "keys:write")
    found = keyring.reach(caller, unquote(key_id))
    ended = credentials.revoke(found.key_id, caller.key_id, door.deadline)
    return _json({**_shown(keys.find(found.key_id), caller), "revoked": ended})


@door.post("/v1/auth/keys/<key_id>/rotate")
def rotate(key_id: str) -> Response:
    caller = callers.admit(door.api_key(), "keys:write")
    made = credentials.rotate(keyring.reach(caller, unquote(key_id)).key_id, caller.key_id, door.deadline)
    return _json({"apiKey": made.api_key, **_shown(keys.find(made.key_id), caller)})


@door.put("/v1/auth/keys/<key_id>/providers/<provider>")
def provide(key_id: str, provider: str) -> Response:
    caller = callers.admit(door.api_key(), "keys:write")
    found = keyring.reach(caller, unquote(key_id))
    body = shapes.read(key_shapes.ProviderKey, shapes.parse(door.body()))
    credentials.provide(found.key_id, unquote(provider), body.api_key, caller.key_id, door.deadline)
    return _json(_shown(keys.find(found.key_id), caller))


@door.delete("/v1/auth/keys/<key_id>/providers/<provider>")
def withhold(key_id: str, provider: str) -> Response:
    caller = callers.admit(door.api_key(), "keys:write")
    found = keyring.reach(caller, unquote(key_id))
    credentials.withhold(found.key_id, unquote(provider), caller.key_id, door.deadline)
    return _json(_shown(keys.find(found.key_id), caller))


@door.get("/v1/key")
def myself() -> Response:
    caller = callers.admit(door.api_key())
    return _json(_with_spending(keys.find(caller.key_id), caller))


def _shown(found: Key, caller: Caller) -> dict[str, Any]:
    return figures.key(found, tree.find(found.account), caller)


def _with_spending(found: Key, caller: Caller) -> dict[str, Any]:
    account = tree.find(found.account)
    now = time.time()
    return {
        **figures.key(found, account, caller),
        "limits": figures.spending(account, now),
        "asOf": figures.moment(datetime.fromtimestamp(now, UTC)),
    }


def _json(shape: dict[str, Any], status: int = 200) -> Response:
    return Response(status, json.dumps(shape).encode())
