"""POST /v1/embeddings and /v1/embed: vectors in the order of their texts, in the encoding that was asked for."""

import base64
import json
import struct
from typing import Any

import httpx2
import openai
import pytest

from llm_core.money import with_markup
from llm_core.settings import settings
from local.understudy.embeddings import unit_vector
from tests.conftest import Platform

SMALL, LARGE = "text-embedding-3-small", "text-embedding-3-large"
TEXTS = ["The squirrel builds a nest.", "Grüße, 世界! 🐿️", "Nests of squirrels are dreys.", "A"]


@pytest.fixture
def client(understudy: Platform) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=understudy.key, max_retries=0)


def _post(platform: Platform, path: str, **body: Any) -> httpx2.Response:
    return httpx2.post(f"{platform.url}{path}", json=body, headers={"x-api-key": platform.key}, timeout=20)


def test_vectors_come_in_the_order_of_their_texts(client: openai.OpenAI) -> None:
    rows = client.embeddings.create(model=SMALL, input=TEXTS, encoding_format="float").data

    assert [row.index for row in rows] == [0, 1, 2, 3]
    for row, text in zip(rows, TEXTS, strict=True):
        assert row.embedding == pytest.approx(unit_vector(text, 1536))


def test_the_sdks_own_encoding_says_the_same(client: openai.OpenAI) -> None:
    """It asks for base64 and unpacks 32-bit floats, without telling its user."""
    packed = client.embeddings.create(model=SMALL, input=TEXTS).data
    plain = client.embeddings.create(model=SMALL, input=TEXTS, encoding_format="float").data

    for one, other in zip(packed, plain, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-7)


def test_base64_is_little_endian_floats_of_32_bits(understudy: Platform) -> None:
    row = _post(understudy, "/v1/embeddings", model=SMALL, input="A", encoding_format="base64").json()["data"][0]

    raw = base64.b64decode(row["embedding"])
    assert len(raw) == 1536 * 4
    assert struct.unpack("<1536f", raw) == pytest.approx(unit_vector("A", 1536), abs=1e-7)


@pytest.mark.parametrize(("model", "asked", "length"), [(SMALL, None, 1536), (SMALL, 256, 256), (LARGE, None, 3072)])
def test_a_vector_is_as_long_as_it_was_asked_for(
    client: openai.OpenAI, model: str, asked: int | None, length: int
) -> None:
    answer = client.embeddings.create(model=model, input="A", dimensions=asked or openai.omit)

    assert len(answer.data[0].embedding) == length
    assert answer.model == model


@pytest.mark.parametrize("tokens", [[9906, 1917], [[9906], [1917, 11]]], ids=["one text", "two texts"])
def test_a_text_may_be_given_as_its_tokens(client: openai.OpenAI, understudy: Platform, tokens: Any) -> None:
    answer = client.embeddings.create(model=SMALL, input=tokens)

    assert json.loads(understudy.asked()[0]["body"])["input"] == tokens
    assert len(answer.data) == (2 if isinstance(tokens[0], list) else 1)


def test_what_was_sold_is_what_is_booked(inside: Platform, client: openai.OpenAI) -> None:
    raw = client.embeddings.with_raw_response.create(model=LARGE, input=TEXTS)

    sold = inside.sold()[-1]["usage"]["input"]
    usage = raw.parse().usage.model_dump()
    cost = sold * 130  # 0.13 USD per million tokens
    assert usage["prompt_tokens"] == usage["total_tokens"] == sold
    assert usage["cost"] == float(raw.headers["x-drey-cost-usd"])
    assert usage["cost"] == pytest.approx(with_markup(cost, settings().markup_percent) / 1e9, abs=1e-12)
    assert (raw.headers["x-drey-provider"], raw.headers["x-drey-attempts"]) == ("openai", "1")


def test_the_native_route_has_a_model_of_its_own(understudy: Platform) -> None:
    told = _post(understudy, "/v1/embed", input=TEXTS).json()

    assert (told["model"], told["provider"]) == (SMALL, "openai")
    assert [len(vector) for vector in told["embeddings"]] == [1536] * 4
    assert told["embeddings"][3] == pytest.approx(unit_vector("A", 1536))
    assert told["usage"]["estimatedCost"] > 0


def test_one_text_is_a_list_of_one_vector(understudy: Platform) -> None:
    assert len(_post(understudy, "/v1/embed", input="A").json()["embeddings"]) == 1


def test_a_role_stands_for_a_model(client: openai.OpenAI) -> None:
    assert client.embeddings.create(model="embed", input="A").model == SMALL


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"model": "claude-haiku-4-5"}, 400, "invalid_request", "model"),
        ({"model": "text-embedding-3-smal"}, 404, "model_not_found", None),
        ({"input": []}, 400, "invalid_request", "input"),
        ({"input": ["a", 3]}, 400, "invalid_request", "input[1]"),
        ({"input": ["a"] * 2049}, 400, "invalid_request", "input"),
        ({"input": None}, 400, "invalid_request", "input"),
        ({"dimensions": 0}, 400, "invalid_request", "dimensions"),
        ({"dimensions": 9_999}, 400, "invalid_request", "dimensions"),
        ({"encoding_format": "hex"}, 400, "invalid_request", "encoding_format"),
        ({"turbo": 1}, 400, "parameter_not_priced", "turbo"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_embedded_is_refused(
    understudy: Platform, body: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    answer = _post(understudy, "/v1/embeddings", **{"model": SMALL, "input": "x", **body})

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param)


def test_an_empty_list_is_told_as_one(understudy: Platform) -> None:
    message = _post(understudy, "/v1/embeddings", model=SMALL, input=[]).json()["error"]["message"]

    assert "valid string" not in message, "the caller sent a list, and may"
    assert "at least 1" in message


def test_a_conversation_with_an_embedder_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=SMALL, messages=[{"role": "user", "content": "Hello"}])
    assert refused.value.param == "model"


def test_an_overloaded_embedder_is_asked_again(client: openai.OpenAI, understudy: Platform) -> None:
    understudy.order({"kind": "status", "code": 503}, path="/v1/embeddings", times=1)

    raw = client.embeddings.with_raw_response.create(model=SMALL, input="A")

    assert raw.headers["x-drey-attempts"] == "2"
    assert len(raw.parse().data[0].embedding) == 1536
