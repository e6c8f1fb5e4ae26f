"""The understudy alone, for what is below the gateway; as new before each test."""

from collections.abc import Iterator

import httpx2
import pytest

from llm_core.providers.anthropic import Anthropic
from llm_core.providers.bedrock import Bedrock
from llm_core.providers.openai import OpenAI
from local.understudy.server import running
from tests.llm_core.providers.upstream import Upstream


@pytest.fixture(scope="session")
def _upstream() -> Iterator[Upstream]:
    with running() as url, httpx2.Client(base_url=url, timeout=10) as desk:
        yield Upstream(
            desk,
            {
                "anthropic": Anthropic("anthropic", secret="env:UPSTREAM_KEY", base_url=url),
                "openai": OpenAI("openai", secret="env:UPSTREAM_KEY", base_url=f"{url}/v1"),
                "bedrock": Bedrock("bedrock", base_url=url),
            },
        )


@pytest.fixture
def upstream(_upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    monkeypatch.setenv("UPSTREAM_KEY", "sk-test-1")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAUNDERSTUDY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    for room in _upstream.rooms.values():
        room._client("sk-test-1")  # made once: it loads the machine's certificates, which takes longer than a test
    _upstream.desk.delete("/_understudy").raise_for_status()
    return _upstream
