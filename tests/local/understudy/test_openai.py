"""OpenAI's SDK against the understudy."""

import base64
import json
import math
import struct
from typing import Any

import httpx2
import openai
import pytest

MODEL = "gpt-4.1-mini"
HELLO: Any = [{"role": "user", "content": "What does a squirrel eat in winter?"}]


def test_a_stream_says_the_same_as_a_whole_answer_and_counts_the_same(gpt: openai.OpenAI) -> None:
    whole = gpt.chat.completions.create(model=MODEL, messages=HELLO)
    chunks = list(
        gpt.chat.completions.create(model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True})
    )

    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == whole.choices[0].message.content
    assert whole.id.startswith("chatcmpl-")
    assert (chunks[-1].choices, chunks[-1].usage) == ([], whole.usage)
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert len(chunks) > 8


def test_a_stream_says_its_usage_only_when_asked(gpt: openai.OpenAI) -> None:
    chunks = list(gpt.chat.completions.create(model=MODEL, messages=HELLO, stream=True))

    assert all(chunk.usage is None for chunk in chunks)


def test_a_limit_cuts_the_answer(gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.create(model=MODEL, messages=HELLO, max_completion_tokens=4)

    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 4


def test_reasoning_families_know_only_the_new_name_of_the_limit(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="max_completion_tokens"):
        gpt.chat.completions.create(model="gpt-5.4", messages=HELLO, max_tokens=4)


def test_several_copies_are_all_said_and_all_paid(gpt: openai.OpenAI, sold: Any) -> None:
    one = gpt.chat.completions.create(model=MODEL, messages=HELLO)
    three = gpt.chat.completions.create(model=MODEL, messages=HELLO, n=3)
    streamed = list(gpt.chat.completions.create(model=MODEL, messages=HELLO, n=3, stream=True))

    assert one.usage is not None
    assert three.usage is not None
    assert len(three.choices) == 3
    assert three.usage.completion_tokens == 3 * one.usage.completion_tokens == sold()["usage"]["output"]
    assert {chunk.choices[0].index for chunk in streamed} == {0, 1, 2}


def test_a_json_schema_is_satisfied(gpt: openai.OpenAI) -> None:
    schema: Any = {
        "type": "object",
        "properties": {"label": {"enum": ["bug", "praise"]}, "confidence": {"type": "number", "maximum": 1}},
        "required": ["label", "confidence"],
        "additionalProperties": False,
    }
    asked: Any = [{"role": "user", "content": "Classify: this is pure praise"}]
    answer = gpt.chat.completions.create(
        model=MODEL,
        messages=asked,
        response_format={"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}},
    )

    assert json.loads(answer.choices[0].message.content or "") == {"label": "praise", "confidence": 0.9}


def test_json_without_a_schema_wants_the_word_json(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="'json'"):
        gpt.chat.completions.create(model=MODEL, messages=HELLO, response_format={"type": "json_object"})

    asked: Any = [{"role": "user", "content": "Answer in JSON: what is a drey?"}]
    answer = gpt.chat.completions.create(model=MODEL, messages=asked, response_format={"type": "json_object"})

    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)


def test_floats_and_base64_are_the_same_unit_vector(gpt: openai.OpenAI) -> None:
    floats = gpt.embeddings.create(model="text-embedding-3-small", input="red fox", encoding_format="float")
    coded = gpt.embeddings.create(model="text-embedding-3-small", input="red fox", encoding_format="base64")

    raw: Any = coded.data[0].embedding
    vector = struct.unpack("<1536f", base64.b64decode(raw))
    assert vector == pytest.approx(floats.data[0].embedding)
    assert math.hypot(*vector) == pytest.approx(1)


def test_texts_that_share_words_are_near_and_others_are_not(gpt: openai.OpenAI) -> None:
    answer = gpt.embeddings.create(
        model="text-embedding-3-small", input=["the red fox", "a fox, red", "tax law"], dimensions=256
    )
    one, near, far = (item.embedding for item in answer.data)

    assert len(one) == 256
    assert math.sumprod(one, near) > 0.8
    assert abs(math.sumprod(one, far)) < 0.5


def test_token_lists_cost_their_length(gpt: openai.OpenAI, sold: Any) -> None:
    answer = gpt.embeddings.create(model="text-embedding-3-small", input=[[1, 2, 3], [4, 5]])

    assert len(answer.data) == 2
    assert answer.usage.prompt_tokens == sold()["usage"]["input"] == 5


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"messages": None}, "missing_required_parameter"),
        ({"messages": []}, "empty_array"),
        ({"messages": [{"role": "tool", "tool_call_id": "x", "content": "1"}]}, None),
        ({"max_tokens": 0}, "integer_below_min_value"),
        ({"stop": 7}, None),
        ({"messages": [{"role": "user", "content": "x", "tool_calls": 7}]}, None),
    ],
)
def test_what_openai_refuses_is_refused_in_its_shape(desk: httpx2.Client, change: Any, code: str | None) -> None:
    body = {"model": MODEL, "messages": HELLO, **change}
    answer = desk.post(
        "/v1/chat/completions",
        headers={"authorization": "Bearer k"},
        json={name: value for name, value in body.items() if value is not None},
    )

    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert answer.json()["error"]["code"] == code
    assert answer.headers["x-request-id"].startswith("req_")


def test_an_unknown_model_is_not_found(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        gpt.chat.completions.create(model="no-such-model", messages=HELLO)

    assert caught.value.code == "model_not_found"


def test_a_bad_key_is_told_back_in_part(address: str, desk: httpx2.Client) -> None:
    with (
        openai.OpenAI(base_url=f"{address}/v1", api_key="sk-bad-0123456789abcdef", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.chat.completions.create(model=MODEL, messages=HELLO)

    assert "sk-bad-0***********cdef" in caught.value.message
    assert caught.value.code == "invalid_api_key"
    assert desk.get("/v1/models").status_code == 401
