"""What search finds of the platform's own: models and their prices, published posts, sayings; nothing unpublished."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from agents.tools import platform_documents as room
from agents.tools.platform_documents import platform_documents
from agents.tools.search import search
from agents.tools.tool import Context
from llm_core.aws import clients, table
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.settings import settings
from local.template import Template
from tests.conftest import ROOT, Platform

TABLES = {"CONTENT_TABLE_NAME": "ContentTable", "MAIN_HUMOR_TABLE_NAME": "MainHumorTable"}


@pytest.fixture(autouse=True)
def tables(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Posts and sayings of this test's own; and as in a fresh process nothing of them is remembered."""
    resources = Template(ROOT / "template.yaml").document["Resources"]
    made = {}
    for variable, declared in TABLES.items():
        made[variable] = f"{declared}-{uuid4().hex[:12]}"
        kept = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
        properties = {name: resources[declared]["Properties"][name] for name in kept}
        clients.dynamodb().create_table(TableName=made[variable], **properties)
        monkeypatch.setenv(variable, made[variable])
    settings.cache_clear()
    room._read.clear()
    room._models.cache_clear()
    yield made
    room._read.clear()
    room._models.cache_clear()


def found(query: str) -> list[tuple[str, str]]:
    context = Context(Caller("k", "u", frozenset()), Deadline.after(30), lambda _: "")
    results = search(context, {"query": query})["results"]
    return [(each["source"], each["title"]) for each in results]


def test_a_model_is_found_with_its_price() -> None:
    assert found("claude-haiku-4-5 price")[0][0] == "platform"


def test_a_published_post_is_found_and_a_draft_is_not(tables: dict[str, str]) -> None:
    for status in ("published", "draft"):
        post = {"postId": status, "type": "post", "list": status, "date": f"2026-11-27#{status}"}
        more = {"title": f"A {status} post", "summary": "On the hibernaculum", "tags": ["nests"]}
        table.put_new(tables["CONTENT_TABLE_NAME"], post | more, key="postId")
    assert found("hibernaculum") == [("posts", "A published post")]


def test_a_saying_is_found(tables: dict[str, str]) -> None:
    saying = {"saying_id": "1", "shelf": "sayings", "created_at": 1, "service": "AWS Lambda"}
    table.put_new(tables["MAIN_HUMOR_TABLE_NAME"], saying | {"saying": "It is a hibernaculum."}, key="saying_id")
    assert found("hibernaculum") == [("sayings", "A saying about AWS Lambda")]


def test_a_door_without_these_tables_searches_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in TABLES:
        monkeypatch.delenv(variable)
    settings.cache_clear()
    assert {each.source for each in platform_documents()} == {"platform"}
