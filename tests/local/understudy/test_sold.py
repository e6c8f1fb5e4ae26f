"""The understudy's books: what was sold is what the SDKs were told, and what was really made when they left."""

import time
from typing import Any

import anthropic
import httpx2
import openai
import pytest

HELLO: Any = [{"role": "user", "content": "What does a squirrel eat in winter?"}]
LONG = {"output_tokens": 400}


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_sold_is_what_the_sdks_were_told(
    claude: anthropic.Anthropic,
    gpt: openai.OpenAI,
    bedrock: anthropic.AnthropicBedrock,
    desk: httpx2.Client,
    stream: bool,
) -> None:
    told: dict[str, Any] = {}
    for provider, client in (("anthropic", claude), ("bedrock", bedrock)):
        asked: Any = {"model": "claude-opus-4-7", "max_tokens": 200, "messages": HELLO}
        if stream:
            with client.messages.stream(**asked) as events:
                told[provider] = events.get_final_message().usage
        else:
            told[provider] = client.messages.create(**asked).usage
    options: Any = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    answer: Any = gpt.chat.completions.create(model="gpt-5.4", messages=HELLO, **options)
    told["openai"] = list(answer)[-1].usage if stream else answer.usage

    totals = desk.get("/_understudy/sold").json()["totals"]
    for provider in ("anthropic", "bedrock"):
        counts = totals[provider]["claude-opus-4-7"]
        assert (counts["input"], counts["output"]) == (told[provider].input_tokens, told[provider].output_tokens)
        assert (counts["calls"], counts["unfinished"], counts["refused"]) == (1, 0, 0)
    counts = totals["openai"]["gpt-5.4"]
    assert (counts["input"], counts["output"]) == (told["openai"].prompt_tokens, told["openai"].completion_tokens)


def test_the_totals_are_the_sum_of_the_calls(claude: anthropic.Anthropic, desk: httpx2.Client, order: Any) -> None:
    order(skip=2, times=1, fault={"kind": "status", "code": 429})
    for number in range(4):
        asked: Any = [{"role": "user", "content": f"Question {number}"}]
        try:
            claude.messages.create(model="claude-haiku-4-5", max_tokens=100, messages=asked)
        except anthropic.RateLimitError:
            assert number == 2

    books = desk.get("/_understudy/sold").json()
    counts = books["totals"]["anthropic"]["claude-haiku-4-5"]
    assert (counts["calls"], counts["refused"]) == (3, 1)
    assert counts["output"] == sum(call["usage"]["output"] for call in books["calls"]) > 0
    assert [call["status"] for call in books["calls"]] == [200, 200, 429, 200]
    assert len(desk.get("/_understudy/sold?last=2").json()["calls"]) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_who_leaves_early_pays_what_was_made_until_then(
    address: str, desk: httpx2.Client, order: Any, sold: Any, stream: bool
) -> None:
    order(answer=LONG)
    desk.post("/_understudy/pace", json={"between_tokens_s": 0.01}).raise_for_status()
    body = {"model": "gpt-5.4", "messages": HELLO, "stream": stream}
    headers = {"authorization": "Bearer k"}

    if stream:
        with desk.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer:
            parts = answer.iter_raw()
            for _ in range(5):
                next(parts)
    else:
        with pytest.raises(httpx2.ReadTimeout):
            desk.post("/v1/chat/completions", json=body, headers=headers, timeout=0.2)

    until = time.monotonic() + 5
    while sold()["open"] and time.monotonic() < until:
        time.sleep(0.01)
    assert (sold()["open"], sold()["ended"]) == (False, False)
    assert 0 < sold()["usage"]["output"] < 400


def test_resetting_forgets_what_was_sold(claude: anthropic.Anthropic, desk: httpx2.Client) -> None:
    claude.messages.create(model="claude-haiku-4-5", max_tokens=100, messages=HELLO)

    assert desk.delete("/_understudy/sold").json() == {"totals": {}, "calls": []}


def test_counting_tokens_sells_nothing(claude: anthropic.Anthropic, desk: httpx2.Client) -> None:
    claude.messages.count_tokens(model="claude-haiku-4-5", messages=HELLO)

    assert desk.get("/_understudy/sold").json() == {"totals": {}, "calls": []}


def test_requests_are_kept_as_they_came(claude: anthropic.Anthropic, desk: httpx2.Client) -> None:
    claude.messages.create(model="claude-haiku-4-5", max_tokens=100, messages=HELLO)
    desk.post("/v1/chat/completions?x=1", content=b"\xff{", headers={"Authorization": "Bearer k"})

    first, second = desk.get("/_understudy/requests").json()["requests"]
    assert (first["provider"], first["path"], first["model"]) == ("anthropic", "/v1/messages", "claude-haiku-4-5")
    assert first["headers"]["authorization"] == "Bearer sk-test-1"
    assert first["body"].startswith('{"max_tokens":100,')
    assert (second["body"], second["body_base64"], second["query"]) == (None, "/3s=", "x=1")
    assert desk.get("/_understudy/requests?last=1").json()["requests"] == [second]
    assert desk.delete("/_understudy/requests").json() == {"requests": []}
