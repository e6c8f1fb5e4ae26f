"""The catalog as this stage has it: the package's, with the operator's overlay, read once per process."""

from __future__ import annotations

from functools import cache

from llm_core import routing
from llm_core.aws import documents
from llm_core.catalog import PACKAGE, Catalog
from llm_core.settings import settings


@cache
def catalog() -> Catalog:
    """Raises Misconfigured, naming the place in the overlay that is wrong; a door then refuses to start."""
    overlay = documents.read(settings().drey_overlay) if settings().drey_overlay else b"{}"
    found = Catalog(PACKAGE.read_bytes(), overlay)
    routing.check(found)
    return found
