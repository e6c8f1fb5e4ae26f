"""RSS 2.0 of the latest posts and the sitemap of all, as the site's address has them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

from llm_core.aws.table import Item

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

LATEST = 20
MOST = 50_000
"""Addresses of one sitemap, by sitemaps.org."""


def rss(items: Iterable[Item], site: str) -> str:
    entries = "".join(
        f"<item><title>{_text(item['title'])}</title><link>{_address(item, site)}</link>"
        f'<guid isPermaLink="false">{_text(item["postId"])}</guid>'
        f"<pubDate>{format_datetime(datetime.fromisoformat(item['publishedAt']), usegmt=True)}</pubDate>"
        f"<description>{_text(item['summary'])}</description>"
        + "".join(f"<category>{_text(tag)}</category>" for tag in item["tags"])
        + "</item>"
        for item in items
    )
    head = f"<title>Drey</title><link>{escape(site)}/blog/</link><description>How Drey is built</description>"
    return f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>{head}{entries}</channel></rss>'


def sitemap(items: Iterable[Item], site: str) -> str:
    entries = "".join(
        f"<url><loc>{_address(item, site)}</loc><lastmod>{_text(item['updatedAt'])}</lastmod></url>" for item in items
    )
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    return f'<?xml version="1.0" encoding="UTF-8"?><urlset {space}>{entries}</urlset>'


def _address(item: Item, site: str) -> str:
    return f"{escape(site)}/blog/{item['slug']}/"


def _text(value: str) -> str:
    """What XML can hold of it."""
    return escape(_NO_XML.sub("", value))
