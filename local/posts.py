"""The first posts of a blog, from posts/*.md: a head in TOML between two lines of +++, then Markdown.

`python -m local.posts FILE` writes them as the site's build reads them, rendered as every post is.
"""

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from llm_core.deadline import Deadline
from llm_core.errors import NotFound

AUTHOR = "Drey"
_SECONDS = 20.0


def read(file: Path) -> tuple[dict[str, Any], str]:
    """Its head (`title`, `tags`) and its Markdown. Raises ValueError for a file without a head."""
    empty, head, content = file.read_text().split("+++\n", 2)
    if empty.strip():
        raise ValueError(f"{file.name} does not begin with +++")
    return tomllib.loads(head), content.lstrip("\n")


def plant(folder: Path) -> int:
    """Publish those whose address nobody has; how many they were. The environment must name the tables.

    Raises whatever the store of posts raises.
    """
    from content import store  # a door's room: it reads Markdown, and only this needs it here

    planted = 0
    for file in sorted(folder.glob("*.md")):
        try:
            store.find(file.stem)
        except NotFound:
            head, content = read(file)
            asked = store.Change(head["title"], content, tuple(head["tags"]), file.stem, status="published")
            try:
                store.create(asked, AUTHOR, Deadline.after(_SECONDS))
            except store.SlugTaken:  # by another who plants at the same time
                continue
            planted += 1
    return planted


def told(folder: Path) -> list[dict[str, Any]]:
    """Them all as JSON: `{slug, title, tags, summary, html}`."""
    from content.markdown import render

    found = []
    for file in sorted(folder.glob("*.md")):
        head, content = read(file)
        html, summary = render(content)
        found.append(
            {"slug": file.stem, "title": head["title"], "tags": head["tags"], "summary": summary, "html": html}
        )
    return found


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(told(Path("posts")), indent=1))
