"""The platform's own texts, to be searched: its models and their prices, the latest posts, the latest sayings.

Of a post there is what lists show: title, summary and tags. Where a function is not given a table, its texts are not
searched.
"""

from __future__ import annotations

import time
from functools import cache
from threading import Lock

from agents.tools.tool import Document
from llm_core.aws import table
from llm_core.aws.stage_catalog import catalog
from llm_core.catalog import Model
from llm_core.settings import settings

LATEST = 200
"""Posts, and sayings."""

CACHE_SECONDS = 60

_lock = Lock()
_read: dict[str, tuple[float, list[Document]]] = {}


def platform_documents() -> list[Document]:
    """All of them; what stands in tables is read once a minute. Raises StoreUnavailable."""
    names = settings().content_table_name, settings().main_humor_table_name
    key = " ".join(names)
    with _lock:
        until, found = _read.get(key, (0.0, []))
    if until <= time.monotonic():
        found = [*_posts(names[0]), *_sayings(names[1])]
        with _lock:
            _read[key] = time.monotonic() + CACHE_SECONDS, found
    return [*_models(), *found]


@cache
def _models() -> tuple[Document, ...]:
    """One document per model that can be called here."""
    return tuple(Document(model.name, _told(model), "platform") for model in catalog().models)


def _told(model: Model) -> str:
    lines = [f"{model.name} is a {model.kind} model of {model.provider} that this platform can call."]
    lines.append(f"Prices in USD per million tokens: input {model.input}, output {model.output}.")
    lines.append(f"Its context window has {model.context} tokens, an answer at most {model.max_output}.")
    if model.capabilities:
        lines.append(f"It is capable of {', '.join(sorted(model.capabilities))}.")
    if model.shutdown:
        lines.append(f"Its provider shuts it down on {model.shutdown.isoformat()}.")
    return " ".join(lines)


def _posts(name: str) -> list[Document]:
    if not name:
        return []
    found = table.latest(name, "list", {"list": "published"}, sort="date", before=None, limit=LATEST)
    return [
        Document(item["title"], f"{item.get('summary') or item['title']} {' '.join(item.get('tags', []))}", "posts")
        for item in found
    ]


def _sayings(name: str) -> list[Document]:
    if not name:
        return []
    found = table.latest(name, "age", {"shelf": "sayings"}, sort="created_at", before=None, limit=LATEST)
    return [Document(f"A saying about {item['service']}", item["saying"], "sayings") for item in found]
