"""A way back to connections that fails when a test says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from llm_core.settings import settings
from tests.functions.live.post_office import PostOffice, opened


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostOffice]:
    with opened() as office:
        monkeypatch.setenv("LIVE_ENDPOINT", office.url)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):  # every post is signed
            monkeypatch.setenv(name, "local")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        settings.cache_clear()
        yield office
    settings.cache_clear()
