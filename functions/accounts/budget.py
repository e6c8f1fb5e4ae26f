"""GET and PUT /v1/usage/budget: what a key may still spend, and whose money it is."""

from __future__ import annotations

import json
import time
from typing import Any

from accounts import figures
from llm_core import callers, key_shapes, keyring, shapes
from llm_core.accounts import refusals, standing, tree
from llm_core.aws.http import Door, Response
from llm_core.callers import Caller
from llm_core.keyring import Change
from llm_core.settings import settings

handler = door = Door()

settings()  # a wrong environment stops the door at its start


@door.get("/v1/usage/budget")
def budget() -> Response:
    caller = callers.admit(door.api_key(), "usage:read")
    return _told(caller, caller.key_id)


@door.put("/v1/usage/budget")
def set_budget() -> Response:
    caller = callers.admit(door.api_key(), "budget:write")
    body = shapes.read(key_shapes.Budget, shapes.parse_exactly(door.body()))
    changed = keyring.change(
        caller, body.key_id or caller.key_id, Change(limits=key_shapes.limits(body)), door.deadline
    )
    return _told(caller, changed.key_id)


def _told(caller: Caller, key_id: str) -> Response:
    """The key's own month, and beside it every limit that a call of this key must fit, the key's own first. A key above
    the caller's counts, and is not named."""
    now, line = time.time(), tree.lineage(f"key:{key_id}")
    names = [account.name for account in line]
    own = names[: names.index(caller.account) + 1]
    month = figures.window(standing.of(line[0], "month", now))
    shape: dict[str, Any] = {
        "keyId": key_id,
        "monthlyBudget": month.pop("limit"),
        **month,
        "dailyCap": figures.amount(line[0].limits.get("day")),
        "accounts": [
            {"account": each.account if each.account in own else refusals.shown(each.account), **figures.window(each)}
            for each in standing.of_all(line, now)
        ],
    }
    return Response(200, json.dumps(shape).encode())
