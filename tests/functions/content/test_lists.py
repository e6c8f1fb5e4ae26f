"""However many posts there are, a page of a list, a tag's page and related posts read as many items as they show."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from content import lists
from content.post import Post, stored
from llm_core.aws import clients, table
from llm_core.errors import InvalidRequest
from llm_core.settings import settings
from local.emulator import client
from tests.conftest import Platform

POSTS = int(os.environ.get("DREY_POSTS", "400"))
"""A few in the suite; `make soak-posts` has 10,000."""
PAGES = 5
_AT_ONCE = 100


@pytest.fixture(scope="module")
def shelf(platform: Platform) -> Iterator[str]:
    """What the table of this module is called. It goes with it: the emulator would write it all down at its end."""
    name = f"t{uuid4().hex[:8]}"
    yield name
    dynamodb = client("dynamodb", platform.environment["AWS_ENDPOINT_URL"])
    with suppress(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.delete_table(TableName=f"many-{name}")


@pytest.fixture
def many(inside: Any, shelf: str) -> Iterator[str]:
    """A table of its own with 10,000 published posts, each with a tag's entry beside it; the list's cost is counted."""
    name = f"many-{shelf}"
    with pytest.MonkeyPatch.context() as patched:
        # The emulator sorts its whole index for each question, and each item in: that is its time, not ours.
        patched.setitem(clients._clients, "dynamodb", boto3.client("dynamodb", config=Config(read_timeout=60)))
        _open(name)
        patched.setattr(lists, "table_name", lambda: name)
        yield name


def _open(name: str) -> None:
    """As the content table is, and full; once."""
    with suppress(clients.dynamodb().exceptions.ResourceNotFoundException):
        clients.dynamodb().describe_table(TableName=name)
        return
    real = clients.dynamodb().describe_table(TableName=settings().need("content_table_name"))["Table"]
    named = ("IndexName", "KeySchema", "Projection")
    index: Any = [{name: dict(each)[name] for name in named} for each in real["GlobalSecondaryIndexes"]]
    clients.dynamodb().create_table(
        TableName=name,
        AttributeDefinitions=real["AttributeDefinitions"],
        KeySchema=real["KeySchema"],
        GlobalSecondaryIndexes=index,
        BillingMode="PAY_PER_REQUEST",
    )
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda start: _fill(name, start), range(0, POSTS, _AT_ONCE)))


def _post(number: int) -> Post:
    moment = f"2026-{1 + number // 1000:02}-01T{number // 60 % 24:02}:{number % 60:02}:00.{number % 1000:03}Z"
    post_id, text = f"post-{number:027x}", {"text": "x" * 1_000}
    return Post(
        post_id, f"Post {number}", f"post-{number}", text, text, "ada", moment, moment, "A summary.", ("python",),
        status="published", published=moment,
    )  # fmt: skip


def _fill(name: str, start: int) -> None:
    requests: list[Any] = []
    for number in range(start, start + _AT_ONCE):
        own = stored(_post(number))
        requests.append({"PutRequest": {"Item": table.packed(own)}})
        entry = {k: v for k, v in own.items() if k not in ("content", "html", "slugs")}
        entry |= {"postId": f"{own['postId']}#python", "of": own["postId"], "list": "tag#python"}
        requests.append({"PutRequest": {"Item": table.packed(entry)}})
    for first in range(0, len(requests), 25):
        clients.dynamodb().batch_write_item(RequestItems={name: requests[first : first + 25]})


class Count:
    """Items that DynamoDB read for us, by its own count, and how often it was asked."""

    def __init__(self) -> None:
        self.scanned = self.asked = 0
        self.bytes = 0

    def __call__(self, parsed: dict[str, Any], http_response: Any, **_: Any) -> None:
        self.asked += 1
        self.scanned += parsed.get("ScannedCount", 0)
        self.bytes += len(http_response.content)


@pytest.fixture
def count(many: str) -> Iterator[Count]:
    counted = Count()
    clients.dynamodb().meta.events.register("after-call.dynamodb.Query", counted, unique_id="count")
    yield counted
    clients.dynamodb().meta.events.unregister("after-call.dynamodb.Query", unique_id="count")


def test_pages_read_what_they_show_wherever_they_are(count: Count) -> None:
    for name in ("published", "tag#python"):
        count.scanned = count.asked = count.bytes = 0
        cursor: str | None = None
        seen: list[str] = []
        for _ in range(PAGES):
            found, cursor = lists.page(name, limit=20, cursor=cursor)
            seen += [str(item.get("of", item["postId"])) for item in found]
            assert all("content" not in item for item in found)
        assert (count.asked, count.scanned) == (PAGES, 20 * PAGES)
        assert len(set(seen)) == 20 * PAGES
        assert count.bytes / (20 * PAGES) < 1_500, "bytes an entry: no text is among them"


def test_related_posts_read_a_page_a_tag(count: Count) -> None:
    post = _post(POSTS // 2)
    assert len(lists.related(post)) == lists.RELATED
    assert count.scanned <= 2 * (lists.RELATED + 1)


def test_the_map_of_all_reads_each_once(count: Count) -> None:
    found = lists.everything()
    assert len(found) == count.scanned == POSTS
    dates: list[str] = [item["date"] for item in found]
    assert dates == sorted(dates, reverse=True)


@pytest.mark.parametrize("cursor", ["x", "", "2026", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z#../x"])
def test_a_cursor_of_ones_own_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        lists.page("published", limit=1, cursor=cursor)


def test_an_entry_of_the_index_has_what_a_teaser_shows() -> None:
    from content.post import TEASER
    from local.template import Template
    from tests.conftest import ROOT

    index = Template(ROOT / "template.yaml").resources["ContentTable"]["Properties"]["GlobalSecondaryIndexes"][0]
    assert set(TEASER) | {"of"} <= set(index["Projection"]["NonKeyAttributes"])
    assert not {"content", "html"} & set(index["Projection"]["NonKeyAttributes"])
    assert re.fullmatch(lists._CURSOR, _post(1).date)
