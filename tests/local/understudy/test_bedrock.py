"""AnthropicBedrock against the understudy."""

from typing import Any

import anthropic
import httpx2
import pytest

MODEL = "global.anthropic.claude-opus-4-7"
OLDER = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
HELLO: Any = [{"role": "user", "content": "What does a squirrel eat in winter?"}]


def test_whole_and_streamed_say_and_count_the_same(bedrock: anthropic.AnthropicBedrock, sold: Any) -> None:
    whole = bedrock.messages.create(model=MODEL, max_tokens=200, messages=HELLO)
    with bedrock.messages.stream(model=MODEL, max_tokens=200, messages=HELLO) as stream:
        said = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert said == whole.content[0].to_dict()["text"]
    assert final.usage == whole.usage
    assert whole.id.startswith("msg_bdrk_")
    assert whole.model == "claude-opus-4-7"
    assert (sold()["provider"], sold()["model"], sold()["ended"]) == ("bedrock", MODEL, True)


def test_an_inference_profile_may_be_named_by_its_arn(bedrock: anthropic.AnthropicBedrock, sold: Any) -> None:
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{MODEL}"
    answer = bedrock.messages.create(model=arn, max_tokens=200, messages=HELLO)

    assert answer.model == "claude-opus-4-7"
    assert sold()["model"] == arn


def test_older_models_take_only_the_first_version(bedrock: anthropic.AnthropicBedrock) -> None:
    with pytest.raises(anthropic.BadRequestError, match="bedrock-2023-05-31"):
        bedrock.messages.create(model=OLDER, max_tokens=200, messages=HELLO)

    answer = bedrock.messages.create(
        model=OLDER, max_tokens=200, messages=HELLO, extra_body={"anthropic_version": "bedrock-2023-05-31"}
    )
    assert answer.model == "claude-haiku-4-5-20251001"


def test_errors_have_amazons_shape(desk: httpx2.Client) -> None:
    nobody = desk.post(f"/model/{MODEL}/invoke", json={})
    nothing = desk.post("/model/anthropic.no-such/invoke", json={}, headers={"authorization": "Bearer k"})

    assert (nobody.status_code, nobody.headers["x-amzn-errortype"]) == (403, "MissingAuthenticationTokenException")
    assert (nothing.status_code, nothing.headers["x-amzn-errortype"]) == (404, "ResourceNotFoundException")
    assert list(nothing.json()) == ["message"]
