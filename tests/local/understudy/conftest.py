"""One understudy for all these tests, as new before each; the official SDKs as its clients, without retries."""

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from local.understudy.server import running

# Clients are made once: each loads the machine's certificates, which takes longer than a test.


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.fixture(scope="session")
def clients(address: str) -> dict[str, Any]:
    claude = anthropic.Anthropic(base_url=address, api_key="sk-test-1", max_retries=0, timeout=10)
    gpt = openai.OpenAI(base_url=f"{address}/v1", api_key="sk-test-1", max_retries=0, timeout=10)
    bedrock = anthropic.AnthropicBedrock(
        base_url=address,
        aws_access_key="AKIAUNDERSTUDY",
        aws_secret_key="secret",
        aws_region="us-east-1",
        max_retries=0,
        timeout=10,
    )
    return {"desk": httpx2.Client(base_url=address, timeout=10), "claude": claude, "gpt": gpt, "bedrock": bedrock}


@pytest.fixture
def desk(clients: dict[str, Any]) -> httpx2.Client:
    """The understudy's own routes; everything is forgotten before a test."""
    client: httpx2.Client = clients["desk"]
    client.delete("/_understudy").raise_for_status()
    return client


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
def claude(desk: httpx2.Client, clients: dict[str, Any]) -> Any:
    return clients["claude"]


@pytest.fixture
def gpt(desk: httpx2.Client, clients: dict[str, Any]) -> Any:
    return clients["gpt"]


@pytest.fixture
def bedrock(desk: httpx2.Client, clients: dict[str, Any]) -> Any:
    return clients["bedrock"]
