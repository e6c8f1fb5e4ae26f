"""One understudy for all these tests, as new before each; the official SDKs as its clients, without retries."""

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from local.understudy.server import running


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.fixture
def desk(address: str) -> Iterator[httpx2.Client]:
    """The understudy's own routes; everything is forgotten before a test."""
    with httpx2.Client(base_url=address, timeout=10) as client:
        client.delete("/_understudy").raise_for_status()
        yield client


@pytest.fixture
def order(desk: httpx2.Client) -> Any:
    def give(**what: Any) -> None:
        answer = desk.post("/_understudy/orders", json=what)
        assert answer.status_code == 201, answer.text

    return give


@pytest.fixture
def sold(desk: httpx2.Client) -> Any:
    """The last call as the understudy has it in its books."""
    return lambda: desk.get("/_understudy/sold?last=1").json()["calls"][-1]


@pytest.fixture
def claude(desk: httpx2.Client, address: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=address, api_key="sk-test-1", max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
def gpt(desk: httpx2.Client, address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="sk-test-1", max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
def bedrock(desk: httpx2.Client, address: str) -> Iterator[anthropic.AnthropicBedrock]:
    with anthropic.AnthropicBedrock(
        base_url=address,
        aws_access_key="AKIAUNDERSTUDY",
        aws_secret_key="secret",
        aws_region="us-east-1",
        max_retries=0,
        timeout=10,
    ) as client:
        yield client
