"""Schedule, each day: texts that no post points to, because somebody died while writing, are deleted."""

from __future__ import annotations

from contextlib import suppress
from itertools import groupby
from typing import Any

from content import store, texts
from content.post import Post
from llm_core.aws import telemetry
from llm_core.errors import NotFound
from llm_core.settings import settings

settings()  # a wrong environment stops the door at its start

OLD_S = 3_600
"""A write is over after 30 seconds, so what is older and has no item never gets one."""


def handler(event: dict[str, Any], _context: Any) -> dict[str, int]:
    """`{seen, deleted}`."""
    if event.get("warmup"):
        return {}
    seen = deleted = 0
    with telemetry.request(request_id=event.get("id", "unknown"), gateway_request_id="none", path="sweep"):
        for post_id, keys in groupby(sorted(texts.old(OLD_S)), key=lambda key: key.partition("/")[0]):
            found = list(keys)
            lost = sorted(set(found) - _pointed_to(post_id))
            if lost:
                texts.forget(lost)
                telemetry.logger.info("orphans swept", extra={"event": "orphans_swept", "keys": lost})
            seen, deleted = seen + len(found), deleted + len(lost)
    return {"seen": seen, "deleted": deleted}


def _pointed_to(post_id: str) -> set[str]:
    while True:
        try:
            post = store.find(post_id)
        except NotFound:
            return set()
        versions: list[Post] = [post]
        with suppress(NotFound):  # a version was forgotten since the post was read: look again
            versions += [store.revision(post, version) for version in post.revisions]
            break
    return {key for each in versions for key in texts.keys(each.content, each.html)}
