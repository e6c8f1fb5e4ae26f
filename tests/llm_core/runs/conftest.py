"""Runs in a table of a test's own."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import pytest

from llm_core.aws import clients
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.runs.run import Run, Terms
from llm_core.runs.start import Order, written
from llm_core.settings import settings
from local.template import Template
from tests.conftest import ROOT
from tests.llm_core.accounts.books import Books

TERMS = Terms(("search",), "tools", turns=10, seconds=600)


def soon(seconds: float = 10) -> Deadline:
    return Deadline.after(seconds)


@dataclass(frozen=True)
class Runs:
    """A user with a table and a bucket."""

    caller: Caller
    books: Books

    def begin(self, order: Order | None = None, caller: Caller | None = None) -> Run:
        return written(caller or self.caller, order or Order("research", {"topic": "squirrels"}, TERMS), soon())


@pytest.fixture
def kept(books: Books, monkeypatch: pytest.MonkeyPatch) -> Runs:
    declared = Template(ROOT / "template.yaml").document["Resources"]["RunsTable"]["Properties"]
    name = f"runs-{uuid4().hex[:12]}"
    parts = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    clients.dynamodb().create_table(TableName=name, **{part: declared[part] for part in parts})
    clients.s3().create_bucket(Bucket=name)
    monkeypatch.setenv("RUNS_TABLE_NAME", name)
    monkeypatch.setenv("RUNS_BUCKET_NAME", name)
    monkeypatch.setenv("AGENT_MACHINE_ARN", "arn:aws:states:us-east-1:000000000000:stateMachine:none")
    settings.cache_clear()
    return Runs(someone(), books)


def someone() -> Caller:
    user = uuid4().hex[:12]
    return Caller(f"sk-proj-{user}", user, frozenset({"agent:run"}))
