"""What writers send: a new post, a change of one, for their doors and for the description of the API."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_SLUG = 80

MOST_BYTES = 1_048_576
"""Of a post's Markdown, as UTF-8."""

_ADDRESS = r"[^\s\"'<>\\]"
"""A character of one; browsers take a backslash for a slash, and two of those for another host."""

_TAG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must be one line of text")
    return text.strip()


def _tag(text: str) -> str:
    if not _TAG.fullmatch(tag := text.strip().lower().replace(" ", "-")) or len(tag) > 40:
        raise ValueError("a tag has up to 40 letters, digits and hyphens")
    return tag


def _slug(text: str) -> str:
    if text and (not SLUG.fullmatch(text) or len(text) > LONGEST_SLUG):
        raise ValueError("has up to 80 small letters, digits and single hyphens")
    return text


def _short_enough(text: str) -> str:
    if len(text.encode()) > MOST_BYTES:
        raise ValueError("a post has at most 1 MB of Markdown")
    return text


def _image(text: str) -> str:
    if text and not re.fullmatch(rf"(https?://|/(?!/)){_ADDRESS}{{1,2000}}", text):
        raise ValueError("must be an address with http(s), or a path of the site")
    return text


Title = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
Content = Annotated[str, AfterValidator(_short_enough)]
Tags = Annotated[list[Annotated[str, AfterValidator(_tag)]], Field(max_length=10)]
Slug = Annotated[str, AfterValidator(_slug)]
Image = Annotated[str, AfterValidator(_image)]


class _Sent(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class NewPost(_Sent):
    title: Title
    content: Content
    tags: Tags = Field(default_factory=list)
    slug: Slug = ""
    status: Literal["draft", "published"] = "draft"
    imageUrl: Image = ""  # noqa: N815 - a caller's name
    postId: Literal[""] | None = None  # noqa: N815 - a page may send all fields of a post: these two it cannot set
    scheduledAt: None = None  # noqa: N815


class Generate(_Sent):
    """POST /agent/generate: a post of what `prompt` asks for, or the post `postId` revised, as `prompt` asks."""

    type: Literal["blog_generation", "blog_revision"]
    prompt: Annotated[str, Field(max_length=10_000)] = ""
    postId: Annotated[str, Field(max_length=100)] = ""  # noqa: N815 - a caller's name
    tags: Tags = Field(default_factory=list)
    imageUrl: Image = ""  # noqa: N815


class Schedule(_Sent):
    """POST /agent/schedule: null takes it back."""

    postId: Annotated[str, Field(min_length=1, max_length=100)]  # noqa: N815
    scheduledAt: str | None  # noqa: N815


class Rejection(_Sent):
    """POST /agent/reject/{taskId}."""

    reason: Annotated[str, Field(min_length=1, max_length=1_000)]


class PostChange(_Sent):
    title: Title | None = None
    content: Content | None = None
    tags: Tags | None = None
    slug: Slug | None = None
    status: Literal["draft", "scheduled", "published"] | None = None
    imageUrl: Image | None = None  # noqa: N815
    version: int | None = None
    # A whole post that was read may be sent back: these are known, and not for writers to set.
    postId: str | None = None  # noqa: N815
    scheduledAt: str | None = None  # noqa: N815
    author: str | None = None
    summary: str | None = None
    html: str | None = None
    createdAt: str | None = None  # noqa: N815
    updatedAt: str | None = None  # noqa: N815
    publishedAt: str | None = None  # noqa: N815
    revisions: list[int] | None = None
    related: list[dict[str, Any]] | None = None
