"""What an agent was asked to write, as it is kept: an item of type `agent_task`, which follows the agent's run.

queued -> running -> awaiting_approval -> approved -> done      or rejected, or failed
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from content.post import now
from content.store import table_name
from llm_core.aws import table
from llm_core.aws.writes import ConditionFailed, Write, update
from llm_core.deadline import Deadline
from llm_core.errors import NotFound

Status = Literal["queued", "running", "awaiting_approval", "approved", "rejected", "failed", "done"]
Kind = Literal["blog_generation", "blog_revision"]

FINAL: frozenset[Status] = frozenset({"rejected", "failed", "done"})


@dataclass(frozen=True, slots=True)
class Task:
    """`post` is the post that it makes or revises, `base` the version that it revises; `run` the agent's run."""

    id: Annotated[str, Field(alias="postId")]
    kind: Kind
    run: str
    post: Annotated[str, Field(alias="of")]
    by: Annotated[str, Field(alias="author")]
    status: Status = "queued"
    base: int = 0
    tags: tuple[str, ...] = ()
    image: Annotated[str, Field(alias="imageUrl")] = ""
    reason: str = ""
    created: Annotated[str, Field(alias="createdAt")] = field(default_factory=now)


_KEPT = TypeAdapter(Task)


def new_id() -> str:
    return f"task-{time.time_ns() // 1_000_000:011x}{secrets.token_hex(8)}"


def keep(task: Task) -> None:
    """Raises StoreUnavailable."""
    names = {**_key(task.id), "list": f"tasks#{task.post}", "date": f"{task.created}#{task.id}"}
    item = {**_KEPT.dump_python(task, mode="json", by_alias=True), **names}
    table.put_new(table_name(), item, key="postId")


def find(task_id: str) -> Task:
    """Read consistently. Raises NotFound, StoreUnavailable."""
    item = table.get(table_name(), _key(task_id)) if task_id.startswith("task-") else None
    if item is None:
        raise NotFound(f"There is no task {task_id[:100]!r}.")
    return _KEPT.validate_python(item)


def become(task: Task, status: Status, reason: str, deadline: Deadline) -> Task:
    """The task as it is after that; one that has ended stays as it ended. Raises StoreUnavailable."""
    write = Write(
        table_name(),
        _key(task.id),
        change="SET #status = :status, #reason = :reason",
        condition="#status IN (:queued, :running, :awaiting, :approved)",
        values={
            ":status": status,
            ":reason": reason,
            ":queued": "queued",
            ":running": "running",
            ":awaiting": "awaiting_approval",
            ":approved": "approved",
        },
    )
    try:
        return _KEPT.validate_python(update(write, deadline))
    except ConditionFailed:
        return find(task.id)


def _key(task_id: str) -> dict[str, str]:
    return {"postId": task_id, "type": "agent_task"}
