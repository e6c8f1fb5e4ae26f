"""GET /admin/usage, /admin/budgets; /admin/keys: what all users have used and may spend, and all keys, for admins."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from accounts import everybody, figures, report
from llm_core import credentials, key_shapes, keys, oversight, shapes
from llm_core.accounts import tree
from llm_core.aws.http import Door, Response
from llm_core.errors import NotFound
from llm_core.keys import Key
from llm_core.people import Person
from llm_core.roll_ups.contribution import ALL
from llm_core.settings import settings
from llm_core.terms import Terms

handler = door = Door()

settings()  # a wrong environment stops the door at its start


@door.get("/admin/usage")
def usage() -> Response:
    _admin()
    now = datetime.now(UTC)
    given = dict(door.current_event.query_string_parameters or {})
    user = given.pop("user", "")
    asked = report.read(given, now.date(), of_all=not user)
    return _json(report.shown(report.make(asked, f"user:{user}" if user else ALL, now)))


@door.get("/admin/budgets")
def budgets() -> Response:
    _admin()
    return _json(everybody.budgets(time.time()))


@door.get("/admin/keys")
def list_keys() -> Response:
    _admin()
    found = sorted(everybody.keys(), key=lambda key: key.created_at, reverse=True)
    return _json({"data": list(_listed(found))})


@door.post("/admin/keys")
def create() -> Response:
    person = _admin()
    body = shapes.read(key_shapes.KeyOfUser, shapes.parse_exactly(door.body()))
    limits = {kind: limit for kind, limit in key_shapes.limits(body).items() if limit is not None}
    terms = Terms(limits=limits, **key_shapes.terms(body))
    made = keys.create(body.name, user_id=body.user_id, terms=terms, by=person.acts_as)
    return _json({"apiKey": made.api_key, **_shown(keys.find(made.key_id))}, 201)


@door.post("/admin/keys/<key_id>/rotate")
def rotate(key_id: str) -> Response:
    person = _admin()
    made = credentials.rotate(unquote(key_id), person.acts_as, door.deadline)
    return _json({"apiKey": made.api_key, **_shown(keys.find(made.key_id))})


@door.delete("/admin/keys/<key_id>")
def revoke(key_id: str) -> Response:
    person = _admin()
    ended = credentials.revoke(unquote(key_id), person.acts_as, door.deadline)
    return _json({**_shown(keys.find(unquote(key_id))), "revoked": ended})


def _admin() -> Person:
    """Who is asking; from here on in the log, and in the audit table. Raises Unauthorized, NotAllowed."""
    return oversight.looking(door.current_event.raw_event, door.current_event.path, door.deadline)


def _listed(found: Iterable[Key]) -> Iterator[dict[str, Any]]:
    for key in found:
        with suppress(NotFound):  # without its account, as while its user is forgotten, a key opens nothing
            yield _shown(key)


def _shown(found: Key) -> dict[str, Any]:
    return figures.key(found, tree.find(found.account))


def _json(shape: dict[str, Any], status: int = 200) -> Response:
    return Response(status, json.dumps(shape).encode(), {"Cache-Control": "no-store"})
