"""POST /blog, PUT and DELETE /blog/{postId}, GET /agent/posts, /agent/posts/{postId}: posts, for their writers."""

from __future__ import annotations

from urllib.parse import unquote

from content import lists, paging, store
from content.answers import private
from content.person import writer
from content.post import teaser
from content.shapes import changed, new, shown
from llm_core import shapes
from llm_core.aws.http import Door, Response
from llm_core.errors import InvalidRequest
from llm_core.post_shapes import NewPost, PostChange
from llm_core.settings import settings

handler = door = Door()

settings()  # a wrong environment stops the door at its start

_STATUSES = ("draft", "scheduled", "published")


@door.post("/blog")
def create() -> Response:
    person = writer(door)
    body = shapes.read(NewPost, shapes.parse(door.body()))
    return private(shown(store.create(new(body), person.name, door.deadline), writer=True), 201)


@door.put("/blog/<post_id>")
def change(post_id: str) -> Response:
    writer(door)
    body = shapes.read(PostChange, shapes.parse(door.body()))
    if not body.model_fields_set:
        raise InvalidRequest("Name at least one field that is to change.")
    post = store.change(unquote(post_id), lambda found: changed(body, found), door.deadline, body.version)
    return private(shown(post, writer=True))


@door.delete("/blog/<post_id>")
def delete(post_id: str) -> Response:
    writer(door)
    store.delete(unquote(post_id), door.deadline)
    return Response(204, b"")


@door.get("/agent/posts")
def list_posts() -> Response:
    writer(door)
    query = door.current_event.query_string_parameters or {}
    asked, status = paging.read(query), query.get("status", "draft")
    if status not in _STATUSES:
        raise InvalidRequest(f"status: one of {', '.join(_STATUSES)}.", param="status")
    found, following = lists.page(asked.list or status, limit=asked.limit, cursor=asked.cursor)
    return private({"posts": [teaser(item) for item in found], "nextCursor": following})


@door.get("/agent/posts/<post_id>")
def one_post(post_id: str) -> Response:
    writer(door)
    post = store.find(unquote(post_id))
    asked = (door.current_event.query_string_parameters or {}).get("version")
    if asked is not None:
        if not asked.isascii() or not asked.isdigit() or len(asked) > 9:
            raise InvalidRequest("version: a number.", param="version")
        post = store.revision(post, int(asked))
    return private(shown(post, writer=True))
