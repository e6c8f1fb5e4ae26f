"""From what writers send to a change of a post, and from a post to what is shown."""

from __future__ import annotations

from typing import Any

from content import store
from content.post import Post
from content.store import Change
from llm_core.errors import InvalidRequest
from llm_core.post_shapes import NewPost, PostChange


def new(body: NewPost) -> Change:
    """As a change of nothing."""
    tags = tuple(dict.fromkeys(body.tags))
    return Change(body.title, body.content, tags, body.slug, body.imageUrl, body.status)


def changed(body: PostChange, post: Post) -> Change:
    """Raises InvalidRequest for a moment that only a schedule can set."""
    if body.scheduledAt and body.scheduledAt != post.scheduled:
        raise InvalidRequest("scheduledAt: POST /agent/schedule sets it.", param="scheduledAt")
    if body.status == "scheduled" != post.status:
        raise InvalidRequest("status: POST /agent/schedule schedules a post.", param="status")
    tags = None if body.tags is None else tuple(dict.fromkeys(body.tags))
    return Change(body.title, body.content, tags, body.slug or None, body.imageUrl, body.status)


def shown(post: Post, *, writer: bool) -> dict[str, Any]:
    """The whole post. Raises NotFound, StoreUnavailable."""
    content, html = store.read(post)
    told: dict[str, Any] = {
        "postId": post.id,
        "slug": post.slug,
        "title": post.title,
        "summary": post.summary,
        "content": content,
        "html": html,
        "tags": list(post.tags),
        "status": post.status,
        "author": post.author,
        "createdAt": post.created,
        "updatedAt": post.updated,
        "version": post.version,
    }
    more = {"imageUrl": post.image, "publishedAt": post.published, "scheduledAt": post.scheduled}
    told |= {name: value for name, value in more.items() if value}
    return told | ({"revisions": list(post.revisions)} if writer else {})
