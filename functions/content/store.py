"""Posts are found, written and deleted. A change is one transaction on the table, after its texts are in S3.

So whoever dies in between leaves the post as it was or as it was to be, and at most an object that nothing points to,
which sweep.py finds. Texts of earlier versions stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from content import texts
from content.markdown import render
from content.post import ID, Post, new_id, now, parsed, slugged, stored
from llm_core.aws import table
from llm_core.aws.writes import ConditionFailed, Write, together
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest, NotFound, Outdated, StoreUnavailable
from llm_core.settings import settings

KEPT_REVISIONS = 50


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different; None stays as it is. `slug` "" is made of the title."""

    title: str | None = None
    content: str | None = None
    tags: tuple[str, ...] | None = None
    slug: str | None = None
    image: str | None = None
    status: str | None = None
    scheduled: str | None = None


class SlugTaken(InvalidRequest):
    """Another post has this address."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"slug: another post is at {slug!r}. Choose another.", param="slug")


def find(name: str) -> Post:
    """By id, or by any slug it ever had; read consistently. Raises NotFound, StoreUnavailable."""
    item = table.get(table_name(), key(name)) if ID.fullmatch(name) else None
    if item is None and (pointer := table.get(table_name(), key(f"slug#{name}"))):
        item = table.get(table_name(), key(pointer["of"]))
    if item is None:
        raise NotFound(f"There is no post {name[:100]!r}.")
    return parsed(item)


def revision(post: Post, version: int) -> Post:
    """As it was in an earlier version. Raises NotFound, StoreUnavailable."""
    if version == post.version:
        return post
    item = table.get(table_name(), key(f"{post.id}@{version}"))
    if item is None:
        raise NotFound(f"Version {version} of this post is not kept.")
    return parsed(item)


def read(post: Post) -> tuple[str, str]:
    """Its Markdown and its HTML. Raises NotFound when it was deleted meanwhile, StoreUnavailable."""
    try:
        return texts.kept(post.content), texts.kept(post.html)
    except StoreUnavailable:
        find(post.id)
        raise


def create(asked: Change, author: str, deadline: Deadline, post_id: str = "") -> Post:
    """`post_id`: the id that was promised it; a post that has it is there already.

    Raises InvalidRequest (SlugTaken), StoreUnavailable; then nothing is there.
    """
    moment, made = now(), post_id or new_id()
    blank = Post(made, "", "", {"text": ""}, {"text": ""}, author, moment, moment, version=0)
    try:
        return _written(None, blank, asked, deadline)
    except Outdated:
        if not post_id:
            raise
        return find(post_id)


def change(name: str, asked: Callable[[Post], Change] | Change, deadline: Deadline, version: int | None = None) -> Post:
    """The post after the change; `version` is the one that the change was made for, None for whichever there is.

    Raises NotFound, Outdated, InvalidRequest (SlugTaken), StoreUnavailable; then it is as it was.
    """
    while True:
        found = find(name)
        if version is not None and version != found.version:
            raise Outdated(f"This is version {found.version} by now, not {version}. Read it again.")
        try:
            return _written(found, found, asked(found) if callable(asked) else asked, deadline)
        except Outdated:
            if version is not None:
                raise
            deadline.remaining()


def delete(name: str, deadline: Deadline) -> None:
    """The post, its earlier versions and entries at once; then its texts. Raises NotFound, StoreUnavailable."""
    while True:
        post = find(name)
        items = [*(f"slug#{slug}" for slug in post.slugs), *(f"{post.id}@{version}" for version in post.revisions)]
        items += [_entry(post, tag) for tag in post.tags]
        gone = Write(table_name(), key(post.id), delete=True, condition="#version = :v", values={":v": post.version})
        earlier = [revision(post, version) for version in post.revisions]
        try:
            together([gone, *(Write(table_name(), key(item), delete=True) for item in items)], deadline)
        except ConditionFailed:
            deadline.remaining()
            continue
        pointers = [pointer for each in (post, *earlier) for pointer in (each.content, each.html)]
        with suppress(StoreUnavailable):  # the sweep finds them
            texts.forget(list(texts.keys(*pointers)))
        return


def _written(old: Post | None, post: Post, asked: Change, deadline: Deadline) -> Post:
    changed = _changed(post, asked)
    while True:
        try:
            together(_steps(old, changed), deadline)
        except ConditionFailed as failure:
            if not any(item and item["postId"].startswith("slug#") for item in failure.items):
                _forget(post, changed)
                raise Outdated("Somebody else changed this post meanwhile. Read it again.") from failure
            if asked.slug:
                _forget(post, changed)
                raise SlugTaken(asked.slug) from failure
            another = f"{changed.slug[:70]}-{changed.id[-6:]}"
            changed = replace(changed, slug=another, slugs=(*post.slugs, another))
        else:
            return changed


def _changed(post: Post, asked: Change) -> Post:
    title = post.title if asked.title is None else asked.title
    slug = post.slug if asked.slug is None and post.slug else asked.slug or slugged(title)
    status: Any = post.status if asked.status is None else asked.status
    moment = now()
    changed = replace(
        post,
        title=title,
        slug=slug,
        slugs=post.slugs if slug in post.slugs else (*post.slugs, slug),
        tags=post.tags if asked.tags is None else asked.tags,
        image=post.image if asked.image is None else asked.image,
        status=status,
        scheduled=(post.scheduled if asked.scheduled is None else asked.scheduled) if status == "scheduled" else "",
        published=post.published or (moment if status == "published" else ""),
        updated=moment,
        version=post.version + 1,
    )
    if asked.content is not None:
        html, summary = render(asked.content)  # refused before anything is kept
        changed = replace(
            changed,
            summary=summary,
            content=texts.keep(post.id, "content.md", asked.content),
            html=texts.keep(post.id, "content.html", html),
        )
    if post.version and (post.title, post.content) != (changed.title, changed.content):
        changed = replace(changed, revisions=(*post.revisions, post.version)[-KEPT_REVISIONS:])
    return changed


def _steps(old: Post | None, post: Post) -> list[Write]:
    """The items of one transaction: itself, how it was, its entries on pages of tags, its address."""
    name = table_name()
    before, after = (set(each.tags) if each and each.status == "published" else set() for each in (old, post))
    own = Write(name, key(post.id), item=stored(post), condition="attribute_not_exists(#postId)")
    steps = [own]
    if old:
        steps = [replace(own, condition="#version = :v", values={":v": old.version})]
        earlier = {each: value for each, value in stored(old).items() if each not in ("list", "date")}
        if old.version in post.revisions:
            steps.append(_put({**earlier, "postId": f"{old.id}@{old.version}"}))
        for version in set(old.revisions) - set(post.revisions):
            steps.append(Write(name, key(f"{old.id}@{version}"), delete=True))
        steps += [Write(name, key(_entry(post, tag)), delete=True) for tag in sorted(before - after)]
    for tag in sorted(after):
        entry = {each: value for each, value in stored(post).items() if each not in ("content", "html", "slugs")}
        steps.append(_put({**entry, "postId": _entry(post, tag), "of": post.id, "list": f"tag#{tag}"}))
    if old is None or post.slug not in old.slugs:
        item = {**key(f"slug#{post.slug}"), "of": post.id}
        steps.append(Write(name, key(item["postId"]), item=item, condition="attribute_not_exists(#postId)"))
    return steps


def _forget(old: Post, changed: Post) -> None:
    """Texts that were kept for a change that was not made."""
    mine = set(texts.keys(changed.content, changed.html)) - set(texts.keys(old.content, old.html))
    with suppress(StoreUnavailable):  # the sweep finds them
        texts.forget(sorted(mine))


def _put(item: table.Item) -> Write:
    return Write(table_name(), key(item["postId"]), item=item)


def _entry(post: Post, tag: str) -> str:
    return f"{post.id}#{tag}"


def key(post_id: str) -> dict[str, str]:
    return {"postId": post_id, "type": "post"}


def table_name() -> str:
    return settings().need("content_table_name")
