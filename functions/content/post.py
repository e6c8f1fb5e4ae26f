"""A post, as it is kept: items of type `post`, whose key `postId` says what each is.

    post-...          itself
    post-...@3        how it was in its third version
    post-...#python   its entry on the page of a tag, while it is published
    slug#what-it-is   whose address that is

Index `list` has the first and the third kind, by `date`: `list` is the status of a post, or `tag#python`.
"""

from __future__ import annotations

import re
import secrets
import time
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from llm_core.aws.table import Item
from llm_core.post_shapes import LONGEST_SLUG

Status = Literal["draft", "scheduled", "published"]

ID = re.compile(r"post-[0-9a-f]{27}")


@dataclass(frozen=True, slots=True)
class Post:
    """An alias is a field's name in the item.

    `content` and `html` are pointers (texts.py). Times are RFC 3339 in UTC, "" for none. `slugs` are all that ever
    led here, `revisions` the earlier versions that are kept; `scheduled` is when it will be published."""

    id: Annotated[str, Field(alias="postId")]
    title: str
    slug: str
    content: dict[str, Any]
    html: dict[str, Any]
    author: str
    created: Annotated[str, Field(alias="createdAt")]
    updated: Annotated[str, Field(alias="updatedAt")]
    summary: str = ""
    tags: tuple[str, ...] = ()
    status: Status = "draft"
    image: Annotated[str, Field(alias="imageUrl")] = ""
    published: Annotated[str, Field(alias="publishedAt")] = ""
    scheduled: Annotated[str, Field(alias="scheduledAt")] = ""
    version: int = 1
    slugs: tuple[str, ...] = ()
    revisions: tuple[int, ...] = ()

    @property
    def date(self) -> str:
        """Where it stands in its list, newest first; no two have the same."""
        return f"{self.published if self.status == 'published' else self.updated}#{self.id}"


def new_id() -> str:
    """`post-` and 27 hexadecimal digits."""
    return f"post-{time.time_ns() // 1_000_000:011x}{secrets.token_hex(8)}"


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def slugged(title: str) -> str:
    """An address made of a title's words; `post` where it has none that an address can have."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    slug = ""
    for word in words:
        longer = f"{slug}-{word}" if slug else word[:LONGEST_SLUG]
        if len(longer) > LONGEST_SLUG:
            break
        slug = longer
    return slug or "post"


_KEPT = TypeAdapter(Post)


def stored(post: Post) -> Item:
    names = {"type": "post", "list": post.status, "date": post.date}
    return {**_KEPT.dump_python(post, mode="json", by_alias=True), **names}


def parsed(item: Item) -> Post:
    return _KEPT.validate_python({**item, "postId": item["postId"].partition("@")[0]})


TEASER = ("slug", "title", "summary", "tags", "status", "imageUrl", "publishedAt", "updatedAt", "scheduledAt", "author")
"""What a list shows of a post, and what the index has: never its text."""


def teaser(item: Item) -> dict[str, Any]:
    """An entry of a list, for a reader."""
    shown = {name: item[name] for name in TEASER if item.get(name) not in (None, "")}
    return {"postId": item.get("of", item["postId"]), **shown}
