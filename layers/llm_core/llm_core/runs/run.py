"""A run as it is kept: one item for itself, one for each event, and one for each step of its conversation.

    run-... | run          itself: whose it is, how it stands, what it may, what it cost
    run-... | event#0007   what everybody is shown, numbered without gaps
    run-... | turn#0002    what the model said in its second turn
    run-... | call#0002#01 what the second tool of that turn gave back

`version` grows with every change of the run's own item, so that of two who change it at once one looks again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, Json, TypeAdapter

from llm_core.aws import table
from llm_core.errors import NotFound
from llm_core.settings import settings

Status = Literal["running", "awaiting_approval", "succeeded", "failed", "cancelled"]

OVER: frozenset[Status] = frozenset({"succeeded", "failed", "cancelled"})

WAITS: dict[str, int] = {"tools": 300, "publish": 604_800}
"""Seconds that a run waits for a person: 5 minutes for tools, 7 days for what is to be published. The state machine has
the same two numbers, because AWS wants them constant."""

KEPT_DAYS = 90
"""A run and all that belongs to it."""

ITSELF = "run"
BY_OWNER = "owner"
"""Index of the runs of a user, oldest first: a run's id begins with the millisecond of its beginning."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run may: the tools it may ask for, those of them that a person must allow first, the model or role that
    thinks, its turns and its seconds. `publishes`: its answer waits for a person's word. `checks` are made of what its
    tools are given (`destructive`, `pii`)."""

    tools: tuple[str, ...]
    role: str
    turns: int
    seconds: int
    approvals: tuple[str, ...] = ()
    publishes: bool = False
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """What a person is asked: the tool calls of a turn, or, with `what` publish, the answer; `digest` is of that.

    `decided`: approved, rejected, expired, or "" for not yet. `token` answers the state machine.
    """

    turn: int
    what: Literal["tools", "publish"]
    digest: str
    decided: str = ""
    note: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """An alias is a field's name in the item.

    `cost` is nano-USD as charged; `created` and `until` (no turn begins later) are epoch seconds.

    `purse`: the run whose own budget pays, "" where there is none but the key's. `parent`: the run that it is a task
    of. `children`: the runs of its tasks, in their order. `output`: a model wrote it, so it is kept as JSON text, like
    its events.
    """

    id: Annotated[str, Field(alias="runId")]
    owner: str
    key_id: Annotated[str, Field(alias="keyId")]
    kind: str
    terms: Terms
    created: int
    until: int
    status: Status = "running"
    budget: int | None = None
    purse: str = ""
    parent: str = ""
    children: tuple[str, ...] = ()
    version: int = 1
    seq: int = 0
    cost: int = 0
    input_tokens: Annotated[int, Field(alias="inputTokens")] = 0
    output_tokens: Annotated[int, Field(alias="outputTokens")] = 0
    reason: str = ""
    output: Json[Mapping[str, Any]] = field(default_factory=dict)
    pending: Pending | None = None

    @property
    def over(self) -> bool:
        return self.status in OVER

    @property
    def workers(self) -> tuple[str, ...]:
        """The runs that are at work for it, side by side."""
        return self.children or (self.id,)


def new_id() -> str:
    """An opaque id for one run: `run-` and 27 hexadecimal digits. Those of one user sort by their beginning."""
    return f"run-{time.time_ns() // 1_000_000:011x}{secrets.token_hex(8)}"


def is_id(text: str) -> bool:
    """Whether it may be one: DynamoDB takes no empty key, and none of more than 2 KB."""
    return 0 < len(text) <= 100


def find(run_id: str, owner: str | None = None) -> Run:
    """Read consistently. With an owner: NotFound also for somebody else's. Raises NotFound, StoreUnavailable."""
    item = table.get(runs_table(), {"runId": run_id, "item": ITSELF}) if is_id(run_id) else None
    if item is None or (owner is not None and item["owner"] != owner):
        raise unknown(run_id)
    return parsed(item)


def unknown(run_id: str) -> NotFound:
    return NotFound(f"No run {run_id[:60]!r} is known for this key.")


def of_owner(owner: str, *, before: str | None, limit: int) -> list[Run]:
    """The latest of a user's runs, newest first, a moment late; those that began before the run `before`.

    Raises StoreUnavailable.
    """
    found = table.latest(runs_table(), BY_OWNER, {"owner": owner}, sort="runId", before=before, limit=limit)
    return [parsed(item) for item in found]


_KEPT = TypeAdapter(Run)


def parsed(item: table.Item) -> Run:
    return _KEPT.validate_python(item)


def stored(run: Run) -> table.Item:
    """As it is kept: the run's own item."""
    told = _KEPT.dump_python(run, mode="json", by_alias=True, round_trip=True)
    return {**told, "item": ITSELF, "ttl": expiry(run.created)}


def expiry(created: int) -> int:
    """When what belongs to a run of that time is forgotten, epoch seconds."""
    return created + KEPT_DAYS * 86_400


def runs_table() -> str:
    return settings().need("runs_table_name")
