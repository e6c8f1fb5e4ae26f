"""Texts of a post: in its item, or, above 2,048 bytes, in S3; then the item keeps where, how long, and its hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from llm_core.aws import objects
from llm_core.errors import StoreUnavailable
from llm_core.settings import settings

MOST_INLINE = 2_048
"""Bytes of UTF-8: so an item stays small, and reading or listing it stays cheap."""

Pointer = Mapping[str, Any]
"""`{text}`, or `{key, sha256, size}`."""


def keep(post_id: str, name: str, text: str) -> dict[str, Any]:
    """What stands for the text in an item. An object is there when this returns, under a key of its own that no other
    write ever had, so that no item's text changes behind its back. Raises StoreUnavailable."""
    content = text.encode()
    if len(content) <= MOST_INLINE:
        return {"text": text}
    key = f"{post_id}/{secrets.token_hex(8)}/{name}"
    objects.put(_bucket(), key, content)
    return {"key": key, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def kept(pointer: Pointer) -> str:
    """The text, identical to what was given. Raises StoreUnavailable, also when it is another."""
    if "text" in pointer:
        return str(pointer["text"])
    content = objects.get(_bucket(), pointer["key"])
    if hashlib.sha256(content).hexdigest() != pointer["sha256"]:
        raise StoreUnavailable("The text of this post is not what was written. Its operator finds it by its hash.")
    return content.decode()


def keys(*pointers: Pointer) -> Iterator[str]:
    """Of the objects among them."""
    yield from (pointer["key"] for pointer in pointers if "key" in pointer)


def forget(names: list[str]) -> None:
    """Delete objects that no item points to any more. Raises StoreUnavailable; the sweep will find them again."""
    objects.delete(_bucket(), names)


def old(seconds: int) -> Iterator[str]:
    """Keys of all objects that are older than this. Raises StoreUnavailable."""
    yield from objects.older(_bucket(), seconds)


def _bucket() -> str:
    return settings().need("content_bucket_name")
