"""POST /agent/generate, /agent/{approve,reject}/{taskId}, /agent/schedule; GET /agent/status/{taskId}: agents write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from content import schedule, writing
from content.answers import private
from content.markdown import render
from content.person import writer
from content.task import Task
from llm_core import shapes
from llm_core.aws.http import Door, Response
from llm_core.money import plain
from llm_core.post_shapes import Generate, Rejection, Schedule
from llm_core.runs.run import Run
from llm_core.settings import settings

handler = door = Door()

settings()  # a wrong environment stops the door at its start


@door.post("/agent/generate")
def generate() -> Response:
    person = writer(door)
    made = writing.begin(shapes.read(Generate, shapes.parse(door.body())), person, door.deadline)
    return private(_shown(made, None), 202)


@door.get("/agent/status/<task_id>")
def status(task_id: str) -> Response:
    writer(door)
    return private(_shown(*writing.look(unquote(task_id), door.deadline)))


@door.post("/agent/approve/<task_id>")
def approve(task_id: str) -> Response:
    writer(door)
    return private(_shown(writing.approve(unquote(task_id), door.deadline), None))


@door.post("/agent/reject/<task_id>")
def reject(task_id: str) -> Response:
    writer(door)
    reason = shapes.read(Rejection, shapes.parse(door.body())).reason
    return private(_shown(writing.reject(unquote(task_id), reason, door.deadline), None))


@door.post("/agent/schedule")
def schedule_post() -> Response:
    writer(door)
    body = shapes.read(Schedule, shapes.parse(door.body()))
    if body.scheduledAt is None:
        post = schedule.cancel(body.postId, door.deadline)
    else:
        post = schedule.put(body.postId, schedule.moment(body.scheduledAt, datetime.now(UTC)), door.deadline)
    return private({"postId": post.id, "status": post.status, "scheduledAt": post.scheduled or None})


def _shown(task: Task, run: Run | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "taskId": task.id,
        "type": task.kind,
        "status": task.status,
        "runId": task.run,
        "by": task.by,
        "createdAt": task.created,
        **({"reason": task.reason} if task.reason else {}),
        **({"postId": task.post} if task.base or task.status == "done" else {}),
    }
    if run is not None:
        told["cost"] = plain(run.cost)
        if run.output:
            told["output"] = {**run.output, "html": render(str(run.output.get("content", "")))[0]}
    return told
