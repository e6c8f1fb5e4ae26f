"""Answers that are given again to the same caller, for a day: where one lies, and whether it may lie there.

A place follows from everything that decides an answer: the whole request with its dialect and prompts, the model that
answers first, the catalog, and whose key it is, so nobody is ever given what somebody else paid for.
"""

from __future__ import annotations

import hashlib
import json
import time
import zlib
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, get_args

from pydantic import TypeAdapter
from pydantic_core import to_json, to_jsonable_python

from llm_core.aws import clients
from llm_core.aws.stage_catalog import catalog
from llm_core.aws.telemetry import logger
from llm_core.callers import Caller
from llm_core.catalog import Model
from llm_core.errors import Misconfigured
from llm_core.messages import Image, Reply, Request
from llm_core.settings import settings

KEPT_SECONDS = 86_400

MOST_BYTES = 300_000
"""Compressed; DynamoDB's items end at 400 KB."""

REST_SECONDS = 10
"""After trouble with the table nobody waits for it for so long."""

Wish = Literal["", "use", "refresh", "no-store"]
"""What a caller says of it: nothing, also where answers vary, ask anew and keep that, neither."""
WISHES = get_args(Wish)

Item = dict[str, Any]

_resting_until = 0.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the answer to a request lies, if there is one. `fresh`: the caller does not want to see an old one."""

    id: str
    fresh: bool = False

    def find(self) -> Reply | None:
        """The answer, if one is there and can be read. Trouble is logged and counts as none."""
        if self.fresh or _resting():
            return None
        try:
            found = clients.hurried_dynamodb().get_item(TableName=_table(), Key={"id": {"S": self.id}})
            item = found.get("Item")
            if item is None or int(item["ttl"]["N"]) <= time.time():  # DynamoDB deletes days later
                return None
            return _replies().validate_json(zlib.decompress(item["body"]["B"]))
        except (*clients.FAILURES, Misconfigured):
            _rest("cache not read")
        except (KeyError, ValueError, zlib.error):  # of an older release
            logger.warning("cached answer not legible", extra={"event": "cache_trouble"})
        return None

    def keep(self, reply: Reply) -> None:
        """Let it lie here, if it is whole and not too large. Trouble is logged."""
        if reply.finish not in ("stop", "tool_calls") or _resting():
            return
        try:
            body = zlib.compress(to_json(reply))
            if len(body) <= MOST_BYTES:
                until = str(int(time.time()) + KEPT_SECONDS)
                item: Item = {"id": {"S": self.id}, "body": {"B": body}, "ttl": {"N": until}}
                clients.hurried_dynamodb().put_item(TableName=_table(), Item=item)
        except (*clients.FAILURES, Misconfigured):
            _rest("cache not written")
        except ValueError:  # half a character that a provider wrote
            logger.warning("answer not fit for the cache", extra={"event": "cache_trouble"})


def place(request: Request, model: Model, caller: Caller, wish: Wish = "", payer: str = "platform") -> Place | None:
    """Where this caller's answer to this request, paid for by `payer`, lies; None where none may lie.

    It may where the same is to be expected again (temperature 0, said explicitly) or where the caller asks for it;
    never where the answer depends on what is not in the request: a search, a file, a picture at an address.
    """
    expected = request.temperature == 0 or wish in ("use", "refresh")
    if not expected or wish == "no-store" or _depends_on_more(request):
        return None
    said = to_jsonable_python(replace(request, model="", models=(), stream=False, include_usage=False))
    parts = (caller.key_id, payer, catalog().version, model.name, json.dumps(said, sort_keys=True))
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return Place(f"answer#{caller.key_id}#{digest}", fresh=wish == "refresh")


def _depends_on_more(request: Request) -> bool:
    parts = [part for message in request.messages for part in message.parts]
    unseen = any(part.unseen for part in request.opaque) or any(isinstance(p, Image) and p.url for p in parts)
    return bool(request.fee_uses) or request.answers > 1 or unseen


@cache
def _replies() -> TypeAdapter[Reply]:
    return TypeAdapter(Reply)


def _table() -> str:
    return settings().need("reuse_table_name")


def _resting() -> bool:
    return time.monotonic() < _resting_until


def _rest(trouble: str) -> None:
    global _resting_until  # noqa: PLW0603 - one table, one state
    _resting_until = time.monotonic() + REST_SECONDS
    logger.exception(trouble, extra={"event": "cache_trouble"})
