"""When a post will be published: read from what a writer sends, set, taken back, carried out.

The schedule is made before the post says so: one that fires for a post that does not wait for it changes nothing.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from content import store
from content.post import Post
from content.store import Change
from llm_core.aws import schedules
from llm_core.aws.schedules import Target
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest, NotFound, Outdated, StoreUnavailable
from llm_core.settings import settings

LONGEST = timedelta(days=366)


def moment(text: str, now: datetime) -> datetime:
    """A moment to come, in UTC, to the second. Raises InvalidRequest for one without its offset, past or far away."""
    try:
        found = datetime.fromisoformat(text)
        utc = found.astimezone(UTC).replace(microsecond=0)
    except (OverflowError, ValueError):  # the first and the last day of all are another year elsewhere
        raise InvalidRequest("scheduledAt: a time like 2026-12-24T18:00:00+01:00.", param="scheduledAt") from None
    if found.tzinfo is None:
        words = "scheduledAt: say the offset too, +01:00 or Z: else nobody knows whose clock is meant."
        raise InvalidRequest(words, param="scheduledAt")
    if utc <= now:
        raise InvalidRequest("scheduledAt: this moment has passed.", param="scheduledAt")
    if utc > now + LONGEST:
        raise InvalidRequest("scheduledAt: within a year.", param="scheduledAt")
    return utc


def put(name: str, at: datetime, deadline: Deadline) -> Post:
    """Raises NotFound, InvalidRequest for a post that is published, StoreUnavailable."""
    post = store.find(name)
    if post.status == "published":
        raise InvalidRequest("This post is published. Make it a draft first.", param="postId")
    told = at.isoformat().replace("+00:00", "Z")
    schedules.put(post.id, at, {"postId": post.id, "scheduledAt": told}, _target())
    try:
        return store.change(post.id, Change(status="scheduled", scheduled=told), deadline)
    except NotFound:
        with suppress(StoreUnavailable):
            schedules.remove(post.id, _target().group)
        raise


def cancel(name: str, deadline: Deadline) -> Post:
    """It is a draft again. Raises NotFound, InvalidRequest, StoreUnavailable."""
    post = store.find(name)
    if post.status != "scheduled":
        raise InvalidRequest(f"This post is not scheduled: it is {post.status}.", param="postId")
    changed = store.change(post.id, Change(status="draft"), deadline)
    schedules.remove(post.id, _target().group)
    return changed


def carry_out(name: str, told: str, deadline: Deadline) -> bool:
    """Publish it, if it waits for this very moment; twice does no harm. Raises StoreUnavailable."""
    while True:
        try:
            post = store.find(name)
            if (post.status, post.scheduled) != ("scheduled", told):
                return False
            store.change(post.id, Change(status="published"), deadline, post.version)
        except NotFound:
            return False
        except Outdated:
            deadline.remaining()
        else:
            return True


def _target() -> Target:
    need = settings().need
    names = ("publish_function_arn", "publish_role_arn", "undelivered_queue_arn", "publish_schedule_group")
    return Target(*map(need, names))
