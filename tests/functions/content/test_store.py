"""Texts cross the border of 2,048 bytes both ways; whoever dies while writing leaves the old post or the new one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from content import post, store, sweep, texts
from content.post import Post
from content.store import Change
from llm_core.aws import clients, table
from llm_core.deadline import Deadline
from llm_core.errors import NotFound, Outdated, StoreUnavailable
from llm_core.settings import settings
from tests.conftest import Platform

pytestmark = pytest.mark.usefixtures("inside")


def soon() -> Deadline:
    return Deadline.after(20)


def written(content: str, **fields: Any) -> Post:
    return store.create(Change(title="A title", content=content, **fields), "ada", soon())


def objects(post: Post) -> set[str]:
    found = clients.s3().list_objects_v2(Bucket=settings().need("content_bucket_name"), Prefix=f"{post.id}/")
    return {each["Key"] for each in found.get("Contents", [])}


def item(post: Post) -> dict[str, Any]:
    found = table.get(store.table_name(), store.key(post.id))
    assert found is not None
    return found


# ------------------------------------------------------------------------------------------------ the border
TEXTS = {
    "none": "",
    "2,047 bytes": "a" * 2_047,
    "2,048 bytes": "a" * 2_048,
    "2,049 bytes": "a" * 2_049,
    "2,047 bytes of é": "é" * 1_023 + "a",
    "2,048 bytes of é": "é" * 1_024,
    "2,049 bytes of é": "é" * 1_024 + "a",
    "2,048 bytes of 🐿": "🐿" * 512,
    "2,052 bytes of 🐿": "🐿" * 513,
    "1 MB": "Nuts, and more nuts.\n\n" * 47_662,
    "odd ends": "\ufeff a\r\nb\tc\x01\u2028 \n\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_comes_back_as_it_was_and_lies_where_its_size_says(text: str) -> None:
    post = written(text)
    assert store.read(store.find(post.id))[0] == text
    size = len(text.encode())
    if size <= 2_048:
        assert post.content == {"text": text}
    else:
        assert post.content["size"] == size
        assert post.content["sha256"] == hashlib.sha256(text.encode()).hexdigest()
        assert post.content["key"] in objects(post)
    assert len(json.dumps(item(post), ensure_ascii=False).encode()) < 6_000, "an item stays small, whatever the text"


def test_a_text_crosses_the_border_both_ways() -> None:
    post = written("short")
    for content in ("a" * 2_049, "short again", "é" * 1_025, "a" * 2_048, "b" * 5_000):
        post = store.change(post.id, Change(content=content), soon())
        assert store.read(store.find(post.id))[0] == content
        assert ("key" in post.content) == (len(content.encode()) > 2_048)


def test_a_change_of_the_title_leaves_the_text_where_it_lies() -> None:
    post = written("a" * 3_000)
    changed = store.change(post.id, Change(title="Another"), soon())
    assert changed.content == post.content
    assert objects(post) == {post.content["key"], post.html["key"]}


def test_a_deleted_post_leaves_nothing() -> None:
    post = written("a" * 3_000, tags=("one", "two"), status="published")
    post = store.change(post.id, Change(content="b" * 3_000, slug=f"new-{post.id[-6:]}"), soon())
    store.delete(post.id, soon())
    assert objects(post) == set()
    for name in (post.id, f"{post.id}@1", f"{post.id}#one", f"{post.id}#two", *(f"slug#{slug}" for slug in post.slugs)):
        assert table.get(store.table_name(), store.key(name)) is None, name


def test_a_text_that_somebody_changed_in_the_bucket_is_not_passed_off_as_the_post() -> None:
    post = written("a" * 3_000)
    clients.s3().put_object(Bucket=settings().need("content_bucket_name"), Key=post.content["key"], Body=b"forged")
    with pytest.raises(StoreUnavailable, match="not what was written"):
        store.read(post)


def test_the_last_fifty_versions_are_kept() -> None:
    post = written("1")
    for number in range(2, store.KEPT_REVISIONS + 4):
        post = store.change(post.id, Change(content=str(number)), soon())
    assert post.revisions == tuple(range(3, store.KEPT_REVISIONS + 3))
    assert store.read(store.revision(post, 3))[0] == "3"
    assert table.get(store.table_name(), store.key(f"{post.id}@2")) is None


# ------------------------------------------------------------------------------------------------ two at once
def test_a_change_made_for_an_older_version_changes_nothing_and_leaves_nothing() -> None:
    post = written("a" * 3_000)
    store.change(post.id, Change(title="Another"), soon())
    before = objects(post)
    with pytest.raises(Outdated):
        store.change(post.id, Change(content="b" * 3_000), soon(), version=1)
    assert objects(post) == before


def test_of_many_who_change_it_at_once_each_is_heard() -> None:
    from concurrent.futures import ThreadPoolExecutor

    post = written("0")

    def add(number: int) -> None:
        def longer(found: Post) -> Change:
            return Change(content=f"{store.read(found)[0]} {number}")

        store.change(post.id, longer, Deadline.after(60))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(1, 13)))
    words = store.read(store.find(post.id))[0].split()
    assert sorted(map(int, words)) == list(range(13))


# ------------------------------------------------------------------------------------------------ deaths
class Died(BaseException):
    """As if the process had been killed here."""


class Fate:
    """Dies at one call to AWS: before it is sent, or after it was carried out."""

    def __init__(self, call: int, *, sent: bool) -> None:
        self.call = call
        self.sent = sent
        self.calls = 0

    def before(self, **_: Any) -> None:
        self.calls += 1
        if self.calls == self.call and not self.sent:
            raise Died

    def after(self, **_: Any) -> None:
        if self.calls == self.call and self.sent:
            raise Died


@pytest.fixture
def fates(inside: Platform) -> Iterator[Any]:
    """Makes the calls of this process meet a fate."""
    services = [clients.dynamodb(), clients.dynamodb_once(), clients.s3()]
    met: list[Fate] = []

    def meet(fate: Fate) -> None:
        met.append(fate)
        for service in services:
            service.meta.events.register("before-call", fate.before, unique_id="before")
            service.meta.events.register("after-call", fate.after, unique_id="after")

    def end() -> None:
        for service in services:
            for name in ("before", "after"):
                service.meta.events.unregister(f"{name}-call", unique_id=name)

    yield meet, end
    end()


STEPS = [(call, sent) for call in range(1, 6) for sent in (False, True)]
SHORT, LONG, OTHER = "short", "a" * 3_000, "b" * 3_000


@pytest.mark.parametrize(("call", "sent"), STEPS)
@pytest.mark.parametrize(("old", "new"), [(LONG, OTHER), (SHORT, LONG), (LONG, SHORT)], ids=["long", "up", "down"])
def test_a_death_at_any_step_of_a_change_leaves_the_old_text_or_the_new(
    fates: Any, monkeypatch: pytest.MonkeyPatch, old: str, new: str, call: int, sent: bool
) -> None:
    post = written(old, status="published", tags=("deaths",))
    meet, end = fates
    meet(Fate(call, sent=sent))
    try:
        store.change(post.id, Change(content=new, title="New"), soon())
        died = False
    except Died:
        died = True
    end()
    found = store.find(post.id)
    content, html = store.read(found)
    assert content in (old, new)
    assert found.title == ("A title" if content == old else "New")
    assert content[:5] in html, "both texts are of one version"
    if not died:
        assert content == new
    monkeypatch.setattr(sweep, "OLD_S", -5)
    swept(post)
    pointers = [found.content, found.html]
    for version in found.revisions:
        earlier = store.revision(found, version)
        pointers += [earlier.content, earlier.html]
        assert store.read(earlier)[0] == old
    assert objects(post) == set(texts.keys(*pointers)), "at most an orphan, and it is swept"
    assert store.read(store.find(post.id))[0] == content


@pytest.mark.parametrize(("call", "sent"), STEPS)
def test_a_death_at_any_step_of_a_creation_leaves_the_whole_post_or_none(
    fates: Any, monkeypatch: pytest.MonkeyPatch, call: int, sent: bool
) -> None:
    made: list[str] = []

    def new_id() -> str:
        made.append(post.new_id())
        return made[-1]

    monkeypatch.setattr(store, "new_id", new_id)
    meet, end = fates
    meet(Fate(call, sent=sent))
    try:
        written(LONG, tags=("births",), status="published")
    except Died:
        pass
    finally:
        end()
    try:
        found = store.find(made[0])
    except NotFound:
        assert all(each["of"] != made[0] for each in listed("tag#births"))
    else:
        assert store.read(found)[0] == LONG
        assert made[0] in [each["of"] for each in listed("tag#births")]
        assert store.find(found.slug).id == made[0]


@pytest.mark.parametrize(("call", "sent"), STEPS)
def test_a_death_at_any_step_of_a_deletion_leaves_the_whole_post_or_none(
    fates: Any, monkeypatch: pytest.MonkeyPatch, call: int, sent: bool
) -> None:
    post = written(LONG)
    post = store.change(post.id, Change(content=OTHER), soon())
    meet, end = fates
    meet(Fate(call, sent=sent))
    try:
        store.delete(post.id, soon())
    except Died:
        pass
    finally:
        end()
    try:
        found = store.find(post.id)
    except NotFound:
        monkeypatch.setattr(sweep, "OLD_S", -5)
        swept(post)
        assert objects(post) == set()
    else:
        assert store.read(found)[0] == OTHER
        assert store.read(store.revision(found, 1))[0] == LONG


def listed(name: str) -> list[dict[str, Any]]:
    from content import lists

    return lists.page(name, limit=100)[0]


def swept(post: Post) -> None:
    """The daily sweep, of this post's objects only: other tests are writing theirs."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(texts, "old", lambda _seconds: iter(sorted(objects(post))))
        sweep.handler({"id": "test"}, None)


def test_the_sweep_leaves_young_objects_and_those_of_living_posts(log: Any) -> None:
    post = written(LONG)
    clients.s3().put_object(Bucket=settings().need("content_bucket_name"), Key=f"{post.id}/lost/content.md", Body=b"x")
    told = sweep.handler({"id": "test"}, None)
    assert told["deleted"] == 0, "nothing here is an hour old"
    swept(post)
    assert objects(post) == {post.content["key"], post.html["key"]}
    assert "orphans_swept" in log.getvalue()
