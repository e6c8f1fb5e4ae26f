"""An agent writes, a person decides: a task begins, follows its run, is approved into a post or rejected.

Each step can be taken again: whoever dies in between is finished by whoever looks next.
"""

from __future__ import annotations

import re
import time
from typing import Any, Literal

from content import payer, store, task
from content.post import Post, new_id
from content.store import Change
from content.task import FINAL, Task
from llm_core.aws import machine
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest, NotFound, Outdated
from llm_core.people import Person
from llm_core.post_shapes import Generate
from llm_core.runs import approval, ending, events
from llm_core.runs import run as runs
from llm_core.runs.approval import NotWaiting
from llm_core.runs.run import Run, Terms
from llm_core.runs.start import Order, event, written
from llm_core.settings import settings

_TERMS = {
    kind: Terms(tools=(), role=role, turns=3, seconds=900, publishes=True)
    for kind, role in (("blog_generation", "generate"), ("blog_revision", "polish"))
}
"""As their files among the agents' kinds have it."""

_SAID: dict[str, frozenset[task.Status]] = {
    "approved": frozenset({"approved", "done"}),
    "rejected": frozenset({"rejected"}),
}
"""Where a task stands after each word of a person."""

_LATE_S = 20
"""A run of which nothing was heard so long after it was written down was never started."""

_TAG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def begin(body: Generate, person: Person, deadline: Deadline) -> Task:
    """Raises InvalidRequest, NotFound for a post that is not there, TooManyRuns, NotAllowed, StoreUnavailable."""
    machine_arn = settings().need("agent_machine_arn")
    given: dict[str, Any]
    post_id, base = new_id(), 0
    if body.type == "blog_generation":
        if not body.prompt:
            raise InvalidRequest("prompt: what is the post to be about?", param="prompt")
        given = {"prompt": body.prompt}
    else:
        if not body.postId:
            raise InvalidRequest("postId: which post is to be revised?", param="postId")
        post = store.find(body.postId)
        post_id, base = post.id, post.version
        given = {"title": post.title, "text": store.read(post)[0]}
        given |= {"prompt": body.prompt} if body.prompt else {}
    run = written(payer.caller(), Order(body.type, given, _TERMS[body.type]), deadline)
    tags = tuple(dict.fromkeys(body.tags))
    made = Task(task.new_id(), body.type, run.id, post_id, person.name, base=base, tags=tags, image=body.imageUrl)
    task.keep(made)
    machine.start(machine_arn, run.id, event(run))
    return made


def look(task_id: str, deadline: Deadline) -> tuple[Task, Run | None]:
    """The task as its run stands, and the run; None once it is forgotten. Raises NotFound, StoreUnavailable."""
    found = task.find(task_id)
    try:
        run = ending.looked_at(runs.find(found.run), deadline)
    except NotFound:
        return found, None
    if found.status in FINAL:
        return found, run
    if run.status == "running" and run.seq == 0 and time.time() > run.created + _LATE_S:
        machine.start(settings().need("agent_machine_arn"), run.id, event(run))
    if run.status == "succeeded":
        found = task.become(found, "approved", "", deadline)
        return _published(found, run, deadline), run
    status, reason = _standing(run)
    return (found if found.status == status else task.become(found, status, reason, deadline)), run


def approve(task_id: str, deadline: Deadline) -> Task:
    """Publish what was written. Raises NotFound, NotWaiting, Outdated when the post was changed meanwhile."""
    return _decided(task_id, "approved", deadline)


def reject(task_id: str, reason: str, deadline: Deadline) -> Task:
    """Raises NotFound, NotWaiting."""
    return _decided(task_id, "rejected", deadline, reason)


def _decided(task_id: str, word: Literal["approved", "rejected"], deadline: Deadline, note: str = "") -> Task:
    """The task after a person's word; the same word once more changes nothing."""
    found, run = look(task_id, deadline)
    if found.status in _SAID[word] or run is None:
        return found
    try:
        if word == "approved" and found.base and store.find(found.post).version != found.base:
            raise Outdated("The post was changed since this revision was asked for. Reject it and ask for another.")
        approval.decide(run.id, word, deadline, note=note)
    except (NotWaiting, Outdated):  # somebody else may have said it since we looked
        found, _ = look(task_id, deadline)
        if found.status not in _SAID[word]:
            raise
        return found
    return look(task_id, deadline)[0]


def _standing(run: Run) -> tuple[task.Status, str]:
    if run.status == "awaiting_approval":
        return "awaiting_approval", ""
    if run.status == "running":
        return ("running" if run.seq else "queued"), ""
    if run.reason == "rejected":
        return "rejected", _why(run)
    return "failed", run.reason or run.status


def _why(run: Run) -> str:
    """What the person said who rejected it: the run's error, the event before its last one."""
    return next(str(event.data["message"]) for event in events.after(run.id, run.seq - 2) if event.type == "error")


def _published(found: Task, run: Run, deadline: Deadline) -> Task:
    """What a person approved becomes the post; once, however often this is tried."""
    change = _change(found, run)
    if found.base == 0:
        store.create(change, found.by, deadline, found.post)
    else:
        try:
            store.change(found.post, change, deadline, found.base)
        except Outdated:
            if not _is_there(store.find(found.post), change):
                reason = "The post was changed while this was approved. What was written is in the task."
                return task.become(found, "failed", reason, deadline)
        except NotFound:
            return task.become(found, "failed", "The post was deleted meanwhile.", deadline)
    return task.become(found, "done", "", deadline)


def _change(found: Task, run: Run) -> Change:
    told = run.output
    title = " ".join(str(told["title"]).split())[:200] or "Untitled"
    proposed = [each.strip().lower().replace(" ", "-") for each in map(str, told.get("tags", ()))]
    tags = found.tags or tuple(dict.fromkeys(each for each in proposed if _TAG.fullmatch(each) and len(each) <= 40))[:5]
    image = found.image or None
    return Change(title, str(told["content"]), tags, None if found.base else "", image, "published")


def _is_there(post: Post, change: Change) -> bool:
    return (post.title, store.read(post)[0]) == (change.title, change.content)
