"""Posts over HTTP: who may write, what readers see, pages, copies that a browser keeps."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import pytest

from tests.conftest import Platform
from tests.functions.content.conftest import Blog, person


def slugs(blog: Blog, query: str = "") -> list[str]:
    return [post["slug"] for post in blog.ask("GET", f"/blog{query}").json()]


# ------------------------------------------------------------------------------------------------ who may
WRITES = [
    ("POST", "/blog"),
    ("PUT", "/blog/post-x"),
    ("DELETE", "/blog/post-x"),
    ("GET", "/agent/posts"),
    ("GET", "/agent/posts/post-x"),
]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_nobody_writes_without_a_token(reader: Blog, platform: Platform, method: str, path: str) -> None:
    for token in ("", "Bearer", f"Bearer {platform.key}", "Bearer e30.e30.e30"):
        answer = reader.ask(method, path, {"title": "x", "content": "y"}, Authorization=token)
        assert answer.status_code == 401, token
        assert answer.json()["error"]["code"] == "unauthorized"


def test_somebody_in_no_group_may_sign_in_and_not_write(platform: Platform, tmp_path: Path) -> None:
    stranger = Blog(platform, person(platform, tmp_path))
    for method, path in WRITES:
        answer = stranger.ask(method, path, {"title": "x", "content": "y"})
        assert (answer.status_code, answer.json().get("code")) == (403, "not_allowed"), answer.text


def test_a_token_with_another_text_is_refused(writer: Blog, platform: Platform) -> None:
    head, claims, signature = writer.token.split(".")
    forged = Blog(platform, f"{head}.{claims[:-2]}AA.{signature}")
    assert forged.ask("GET", "/agent/posts").status_code == 401


def test_a_token_for_another_client_of_the_pool_is_refused(platform: Platform, tmp_path: Path) -> None:
    from local import people
    from local.emulator import client

    cognito = client("cognito-idp", platform.environment["AWS_ENDPOINT_URL"])
    pool = platform.outputs["UserPoolId"]
    flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    other = cognito.create_user_pool_client(UserPoolId=pool, ClientName="other", ExplicitAuthFlows=flows)
    name, _, password = (platform.state / "user").read_text().strip().partition(" ")
    token = people._signed_in(cognito, pool, other["UserPoolClient"]["ClientId"], name, password)["IdToken"]
    answer = Blog(platform, token).ask("GET", "/agent/posts")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


# ------------------------------------------------------------------------------------------------ a post's life
def test_a_post_is_written_read_changed_and_deleted(writer: Blog, reader: Blog) -> None:
    made = writer.write(title="What a Hold Is, and Why", content="# Money\n\nHeld *before*.", tags=["Money"])
    assert made["status"] == "draft"
    assert made["tags"] == ["money"]
    assert made["html"] == "<h1>Money</h1>\n<p>Held <em>before</em>.</p>\n"
    assert made["summary"] == "Held before."
    path = f"/blog/{made['postId']}"
    assert reader.ask("GET", path).status_code == 404, "a draft is nobody's to read"

    published = writer.ask("PUT", path, {**made, "status": "published"})
    assert published.status_code == 200, published.text
    seen = reader.ask("GET", f"/blog/{made['slug']}").json()
    assert (seen["postId"], seen["content"]) == (made["postId"], "# Money\n\nHeld *before*.")
    assert seen["publishedAt"].endswith("Z")
    assert "revisions" not in seen

    assert writer.ask("DELETE", path).status_code == 204
    for gone in (path, f"/blog/{made['slug']}"):
        assert reader.ask("GET", gone).status_code == 404
    assert writer.ask("DELETE", path).status_code == 404


def test_drafts_are_in_no_list_feed_or_map(writer: Blog, reader: Blog) -> None:
    tag = f"t{uuid4().hex[:8]}"
    draft, seen = (writer.write(tags=[tag], status=status) for status in ("draft", "published"))
    for query in ("?limit=100", f"?tag={tag}"):
        assert seen["slug"] in slugs(reader, query)
        assert draft["slug"] not in slugs(reader, query)
    for path in ("/blog/rss.xml", "/blog/sitemap.xml"):
        text = reader.ask("GET", path).text
        assert f"/blog/{seen['slug']}/" in text
        assert draft["slug"] not in text
    drafts = [post["postId"] for post in writer.ask("GET", "/agent/posts?limit=100").json()["posts"]]
    assert draft["postId"] in drafts
    assert writer.ask("GET", f"/agent/posts/{draft['postId']}").json()["content"] == "Some words."

    writer.ask("PUT", f"/blog/{seen['postId']}", {"status": "draft"})
    assert slugs(reader, f"?tag={tag}") == []
    assert reader.ask("GET", f"/blog/{seen['postId']}").status_code == 404


def test_a_list_has_no_texts_and_is_read_page_by_page(writer: Blog, reader: Blog) -> None:
    tag = f"t{uuid4().hex[:8]}"
    made = [writer.write(tags=[tag], status="published")["postId"] for _ in range(5)]
    seen: list[str] = []
    query = f"?tag={tag}&limit=2"
    for _ in range(3):
        answer = reader.ask("GET", f"/blog{query}")
        assert all("content" not in post and "html" not in post for post in answer.json())
        seen += [post["postId"] for post in answer.json()]
        if "x-next-cursor" in answer.headers:
            query = f"?tag={tag}&limit=2&cursor={answer.headers['x-next-cursor'].replace('#', '%23')}"
    assert seen == made[::-1]
    assert "x-next-cursor" not in answer.headers


@pytest.mark.parametrize(
    "query", ["?limit=0", "?limit=101", "?limit=x", "?limit=-1", "?cursor=x", "?tag=a%20b", "?cursor=%00", "?limit=١"]
)
def test_a_page_that_cannot_be_is_refused(reader: Blog, query: str) -> None:
    assert reader.ask("GET", f"/blog{query}").status_code == 400


def test_a_browser_keeps_its_copy_until_the_post_changes(writer: Blog, reader: Blog) -> None:
    made = writer.write(status="published", tags=[f"t{uuid4().hex[:8]}"])
    path = f"/blog/{made['postId']}"
    first = reader.ask("GET", path)
    assert first.headers["cache-control"] == "public, max-age=60"
    again = reader.ask("GET", path, If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    writer.ask("PUT", path, {"content": "Other words."})
    other = reader.ask("GET", path, If_None_Match=first.headers["etag"])
    assert (other.status_code, other.json()["content"]) == (200, "Other words.")
    assert writer.ask("GET", f"/agent/posts/{made['postId']}").headers["cache-control"] == "no-store"


# ------------------------------------------------------------------------------------------------ addresses
def test_two_posts_of_one_title_have_two_addresses(writer: Blog) -> None:
    title = f"Über {uuid4().hex[:8]}"
    first, second = (writer.write(title=title) for _ in range(2))
    assert first["slug"].startswith("uber-")
    assert second["slug"] != first["slug"]
    assert second["slug"].startswith(first["slug"])


def test_an_address_that_looks_like_an_id_leads_there(writer: Blog, reader: Blog) -> None:
    made = writer.write(slug=f"post-{uuid4().hex[:27]}", status="published")
    assert reader.ask("GET", f"/blog/{made['slug']}").json()["postId"] == made["postId"]


def test_an_address_that_was_given_leads_there_for_ever(writer: Blog, reader: Blog) -> None:
    old, new = (f"s-{uuid4().hex[:8]}" for _ in range(2))
    made = writer.write(slug=old, status="published")
    assert writer.ask("PUT", f"/blog/{old}", {"slug": new}).json()["slug"] == new
    for slug in (old, new):
        assert reader.ask("GET", f"/blog/{slug}").json()["slug"] == new
    taken = writer.ask("POST", "/blog", {"title": "x", "content": "y", "slug": old})
    assert (taken.status_code, "slug" in taken.json()["error"]) == (400, True)
    assert made["postId"] == reader.ask("GET", f"/blog/{old}").json()["postId"]


# ------------------------------------------------------------------------------------------------ two writers
def test_of_two_writers_the_second_is_told_to_read_again(writer: Blog) -> None:
    made = writer.write()
    path = f"/blog/{made['postId']}"
    assert writer.ask("PUT", path, {"content": "first", "version": made["version"]}).status_code == 200
    late = writer.ask("PUT", path, {"content": "second", "version": made["version"]})
    assert (late.status_code, late.json()["code"]) == (412, "outdated")
    assert writer.ask("GET", f"/agent/posts/{made['postId']}").json()["content"] == "first"


def test_earlier_versions_stay_readable(writer: Blog) -> None:
    made = writer.write(content="one")
    for words in ("two", "three" * 1_000):
        writer.ask("PUT", f"/blog/{made['postId']}", {"content": words})
    path = f"/agent/posts/{made['postId']}"
    assert writer.ask("GET", path).json()["revisions"] == [1, 2]
    assert [writer.ask("GET", f"{path}?version={v}").json()["content"][:5] for v in (1, 2, 3)] == [
        "one",
        "two",
        "three",
    ]
    assert writer.ask("GET", f"{path}?version=9").status_code == 404
    assert writer.ask("GET", f"{path}?version=x").status_code == 400


# ------------------------------------------------------------------------------------------------ beside a post
def test_related_posts_share_its_tags_and_are_never_itself(writer: Blog, reader: Blog) -> None:
    one, two = (f"t{uuid4().hex[:8]}" for _ in range(2))
    nearest = writer.write(tags=[one, two], status="published")
    near = writer.write(tags=[two], status="published")
    post = writer.write(tags=[one, two], status="published")
    told = [each["postId"] for each in reader.ask("GET", f"/blog/{post['postId']}").json()["related"]]
    assert told[:2] == [nearest["postId"], near["postId"]]
    assert post["postId"] not in told
    assert len(told) <= 6


def test_the_feed_is_xml_whatever_a_title_holds(writer: Blog, reader: Blog) -> None:
    title = f'</title><script>alert(1)</script> & "{uuid4().hex[:8]}"'
    writer.write(title=title, content="Wor\ufffe\x0bds & more.", status="published", tags=["a"])
    answer = reader.ask("GET", "/blog/rss.xml")
    assert answer.headers["content-type"].startswith("application/rss+xml")
    assert title in [each.text for each in ElementTree.fromstring(answer.text).iter("title")]  # noqa: S314 - our own
    pages = ElementTree.fromstring(reader.ask("GET", "/blog/sitemap.xml").text)  # noqa: S314
    assert len(list(pages)) >= 1


# ------------------------------------------------------------------------------------------------ bad input
BAD: list[tuple[Any, str]] = [
    ({"title": "x"}, "content"),
    ({"content": "x"}, "title"),
    ({"title": "", "content": "x"}, "title"),
    ({"title": " ", "content": "x"}, "title"),
    ({"title": "two\nlines", "content": "x"}, "title"),
    ({"title": "x" * 201, "content": "x"}, "title"),
    ({"title": 1, "content": "x"}, "title"),
    ({"title": "x", "content": "x", "tags": "a"}, "tags"),
    ({"title": "x", "content": "x", "tags": ["a/b"]}, "tags[0]"),
    ({"title": "x", "content": "x", "tags": ["a"] * 11}, "tags"),
    ({"title": "x", "content": "x", "slug": "Not A Slug"}, "slug"),
    ({"title": "x", "content": "x", "slug": "../etc"}, "slug"),
    ({"title": "x", "content": "x", "status": "scheduled"}, "status"),
    ({"title": "x", "content": "x", "imageUrl": "javascript:alert(1)"}, "imageUrl"),
    ({"title": "x", "content": "x", "imageUrl": "//elsewhere"}, "imageUrl"),
    ({"title": "x", "content": "x", "imageUrl": "/\\elsewhere"}, "imageUrl"),
    ({"title": "x", "content": "x", "postId": "mine"}, "postId"),
    ({"title": "x", "content": "x", "scheduledAt": "2030-01-01T00:00:00Z"}, "scheduledAt"),
    ({"title": "x", "content": "x", "colour": "red"}, "colour"),
    ({"title": "x", "content": "é" * 524_289}, "content"),
    ([], ""),
]


@pytest.mark.parametrize(("body", "field"), BAD, ids=range(len(BAD)))
def test_a_post_that_cannot_be_is_refused_and_names_the_field(writer: Blog, body: Any, field: str) -> None:
    answer = writer.ask("POST", "/blog", body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_request"
    assert field in answer.json()["error"]
    assert "Value error" not in answer.json()["error"]


def test_a_page_may_send_the_empty_fields_of_a_post(writer: Blog) -> None:
    assert writer.write(postId="", scheduledAt=None, imageUrl="", tags=[])["status"] == "draft"


def test_only_a_schedule_schedules(writer: Blog) -> None:
    made = writer.write()
    for fields in ({"status": "scheduled"}, {"scheduledAt": "2030-01-01T00:00:00Z"}):
        answer = writer.ask("PUT", f"/blog/{made['postId']}", fields)
        assert answer.status_code == 400
        assert "/agent/schedule" in answer.json()["error"]
    assert writer.ask("PUT", f"/blog/{made['postId']}", {}).status_code == 400


@pytest.mark.parametrize("name", ["post-x", "%2e%2e", "a#b", "post-" + "0" * 27, "slug%23x", "x" * 5_000, "%00", "é"])
def test_what_is_no_post_is_not_found(reader: Blog, name: str) -> None:
    assert reader.ask("GET", f"/blog/{name}").status_code == 404


def test_it_is_quick_where_nothing_is(reader: Blog) -> None:
    began = time.monotonic()
    assert reader.ask("GET", "/blog?tag=nothing-has-this").json() == []
    assert time.monotonic() - began < 5
