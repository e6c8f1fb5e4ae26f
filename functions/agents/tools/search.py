"""The tool that finds texts: those that came with the run, and the platform's own. Never the internet."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agents.tools.index import Index
from agents.tools.platform_documents import platform_documents
from agents.tools.tool import Context, tool

_MOST = 10


@tool()
def search(
    context: Context,
    query: Annotated[str, Field(description="A few words that the text should contain", min_length=1, max_length=500)],
    limit: Annotated[int, Field(description="How many passages at most", ge=1, le=_MOST)] = 5,
) -> dict[str, object]:
    """Finds passages by the words in them: in the documents of this task and in the platform's own.

    It does not search the internet. An empty list means that nothing was found; then say so instead of guessing.
    """
    found = Index([*context.documents, *platform_documents()]).search(query, limit)
    results = [
        {"title": hit.document.title, "source": hit.document.source, "score": hit.score, "passage": hit.passage}
        for hit in found
    ]
    return {"query": query, "results": results}
