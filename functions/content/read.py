"""GET /blog, /blog/{postId}, /blog/rss.xml, /blog/sitemap.xml: what is published, for everybody."""

from __future__ import annotations

from urllib.parse import quote, unquote

from content import feeds, lists, paging, store
from content.answers import public
from content.post import teaser
from content.shapes import shown
from llm_core.aws.http import Door, Response
from llm_core.errors import NotFound
from llm_core.settings import settings

handler = door = Door()

settings()  # a wrong environment stops the door at its start


@door.get("/blog")
def list_posts() -> Response:
    asked = paging.read(door.current_event.query_string_parameters or {})
    found, following = lists.page(asked.list or "published", limit=asked.limit, cursor=asked.cursor)
    headers = {"Access-Control-Expose-Headers": "x-next-cursor,etag,link"}
    if following:
        query = f"limit={asked.limit}&cursor={quote(following)}" + (f"&tag={asked.tag}" if asked.tag else "")
        headers |= {"x-next-cursor": following, "Link": f'<?{query}>; rel="next"'}
    return public(door, [teaser(item) for item in found], headers=headers)


@door.get("/blog/rss.xml")
def rss() -> Response:
    found, _ = lists.page("published", limit=feeds.LATEST)
    return public(door, feeds.rss(found, settings().need("site_url")), content_type="application/rss+xml")


@door.get("/blog/sitemap.xml")
def sitemap() -> Response:
    found = lists.everything()[: feeds.MOST]
    return public(door, feeds.sitemap(found, settings().need("site_url")), content_type="application/xml")


@door.get("/blog/<post_id>")
def one_post(post_id: str) -> Response:
    post = store.find(unquote(post_id))
    if post.status != "published":
        raise NotFound(f"There is no post {unquote(post_id)[:100]!r}.")
    return public(door, shown(post, writer=False) | {"related": [teaser(item) for item in lists.related(post)]})
