"""Markdown into HTML that nothing can hide in, once, when a post is written.

Two walls: the reader takes no HTML (what looks like a tag is text), and the sanitiser lets through what is listed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from llm_core.errors import InvalidRequest

if TYPE_CHECKING:  # loaded by the first text that is written: doors that only read never need them
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MOST_HTML = 4_000_000
"""Bytes. An answer of a Lambda has at most 6 MB, and holds the Markdown too."""

_TAGS = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "ul", "ol", "li", "pre", "code"),
    *("em", "strong", "s", "a", "img", "table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "code": {"class"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}
_LANGUAGE = re.compile(r"language-[\w+#-]{1,30}")


def render(text: str) -> tuple[str, str]:
    """The HTML of a Markdown text, and its summary. Raises InvalidRequest when the HTML is far too long."""
    import nh3

    reader = _reader()
    tokens = reader.parse(text)
    html = nh3.clean(
        reader.renderer.render(tokens, reader.options, {}),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        attribute_filter=_attribute,
        link_rel="noopener noreferrer",
    )
    if len(html.encode()) > MOST_HTML:
        raise InvalidRequest("content: as HTML this is more than 4 MB. Write several posts.", param="content")
    return html, _summary(tokens)


def _summary(tokens: list[Token], longest: int = 200) -> str:
    """The first paragraph as plain text, at most so many characters."""
    first = next((after for token, after in pairwise(tokens) if token.type == "paragraph_open"), None)
    words = " ".join(_plain(first.children or []).split()) if first else ""
    return words if len(words) <= longest else f"{words[: longest - 1].rsplit(' ', 1)[0]}…"


def _plain(tokens: Iterable[Token]) -> str:
    shown = (" " if t.type in ("softbreak", "hardbreak") else t.content for t in tokens)
    return "".join(shown)


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def _attribute(tag: str, name: str, value: str) -> str | None:
    if (tag, name) == ("code", "class"):
        return value if _LANGUAGE.fullmatch(value) else None
    if (tag, name) == ("ol", "start"):
        return value if value.isdigit() else None
    return value
