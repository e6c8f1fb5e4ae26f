"""Books of a test's own, on the emulator and, where the test says so, behind the stand-in for DynamoDB."""

from __future__ import annotations

import pytest

from llm_core import payment
from llm_core.accounts import limits, steps
from llm_core.aws import clients
from llm_core.settings import settings
from tests.conftest import Platform
from tests.llm_core.accounts.books import Books, Clock, opened
from tests.races.conftest import Strict, stand_in, strict

__all__ = ["stand_in", "strict"]


@pytest.fixture
def books(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> Books:
    made = opened()
    monkeypatch.setenv("BUDGETS_TABLE_NAME", made.budgets)
    monkeypatch.setenv("USAGE_TABLE_NAME", made.usage)
    settings.cache_clear()
    return made


@pytest.fixture
def behind(strict: Strict, books: Books, monkeypatch: pytest.MonkeyPatch) -> Strict:
    """From here on this process's writes go through the stand-in, which is in good health until told otherwise."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", strict.url)
    clients._clients.clear()
    return strict


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The wall clock of every room that asks for one, at books.NOW until the test moves it."""
    told = Clock()
    for room in (steps, limits, payment):
        monkeypatch.setattr(room, "time", told)
    return told
