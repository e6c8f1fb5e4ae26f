"""Answers while they are written, over the real wire: whoever reads them, whatever breaks, and what is booked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from llm_core import callers, keys, ledger
from llm_core.accounts.window import Window, label
from llm_core.keys import NewKey, Terms
from tests.conftest import Platform, fresh

HELLO: list[Any] = [{"role": "user", "content": "Tell me about squirrels and where they sleep."}]
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
def key(inside: Platform) -> NewKey:
    """With a budget, so that what is held can be seen."""
    return keys.create("streams", user_id="streamer", terms=Terms({"ai:complete"}, {"month": 10**10}))


@pytest.fixture
def gpt(understudy: Platform, key: NewKey) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{understudy.url}/v1", api_key=key.api_key, max_retries=0)


@pytest.fixture
def claude(understudy: Platform, key: NewKey) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=understudy.url, api_key=key.api_key, max_retries=0)


def balances(key: NewKey) -> tuple[int, int]:
    item = Window(f"key:{key.key_id}", label("month", time.time())).read()
    assert item is not None
    assert item["limit"] == item["remaining"] + item["held"] + item["spent"]
    return item["held"], item["spent"]


def settled(key: NewKey, within_s: float = 10) -> tuple[int, int]:
    """Held and spent, once nothing is held any more."""
    until = time.monotonic() + within_s
    while (found := balances(key))[0] and time.monotonic() < until:
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("family", ["gpt", "claude"])
def test_openais_client_reads_text_usage_and_cost(gpt: openai.OpenAI, key: NewKey, family: str) -> None:
    answer = gpt.chat.completions.create(
        model=fresh(family), messages=HELLO, stream=True, stream_options={"include_usage": True}, max_tokens=60
    )
    chunks = list(answer)
    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert said
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] in ("stop", "length")
    told = chunks[-1]
    assert told.choices == []
    assert told.usage is not None
    assert told.usage.completion_tokens > 0
    cost: Any = told.usage.model_extra
    row = ledger.find("streamer", told.id)
    assert round(cost["cost"] * 10**9) == row["charged"] > 0
    assert balances(key) == (0, row["charged"])


@pytest.mark.parametrize("family", ["gpt", "claude"])
def test_anthropics_helper_reads_text_and_usage(claude: anthropic.Anthropic, key: NewKey, family: str) -> None:
    with claude.messages.stream(model=fresh(family), messages=HELLO, max_tokens=60) as stream:
        said = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert said == "".join(block.text for block in final.content if block.type == "text")
    assert final.usage.output_tokens > 0
    assert settled(key)[1] > 0


@pytest.mark.parametrize("family", ["gpt", "claude"])
def test_tools_are_called_in_pieces(gpt: openai.OpenAI, family: str) -> None:
    tools: list[Any] = [{"type": "function", "function": WEATHER}]
    with gpt.chat.completions.stream(
        model=fresh(family), messages=HELLO, tools=tools, tool_choice="required", max_tokens=60
    ) as stream:
        final = stream.get_final_completion()
    (called,) = final.choices[0].message.tool_calls or []
    assert called.function.name == "get_weather"
    assert isinstance(json.loads(called.function.arguments), dict)
    assert final.choices[0].finish_reason == "tool_calls"


def events(understudy: Platform, key: NewKey, path: str, **body: Any) -> Iterator[tuple[float, str]]:
    """A plain reader: each event's text, and when it came."""
    headers = {"authorization": f"Bearer {key.api_key}"}
    with httpx2.stream("POST", f"{understudy.url}{path}", json=body, headers=headers, timeout=30) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("data: "):
                yield time.monotonic(), line.removeprefix("data: ")


@pytest.mark.parametrize("path", ["/v1/stream", "/v1/complete"])
def test_the_platforms_own_dialect(understudy: Platform, key: NewKey, path: str) -> None:
    told = [text for _, text in events(understudy, key, path, model=fresh("claude"), messages=HELLO, stream=True)]
    assert told[-1] == "[DONE]"
    account = json.loads(told[-2])
    assert account["usage"]["estimatedCost"] > 0
    assert all(json.loads(text)["content"] for text in told[:-2])


def test_nothing_is_kept_back_once_the_model_speaks(understudy: Platform, key: NewKey) -> None:
    """Given a model that falls silent for ever after its first words, they are here before anybody gives it up."""
    model = fresh("alone")
    understudy.order({"kind": "stall", "after_events": 5}, model=model)
    told = events(understudy, key, "/v1/stream", model=model, messages=HELLO, maxTokens=60)
    began = time.monotonic()
    came = [(when - began, text) for when, text in told]
    assert "content" in came[0][1]
    assert "error" in came[-1][1]
    assert came[-1][0] - came[0][0] > 5, "the model's limit for a stall is 15 s"


def test_until_the_first_word_another_candidate_answers(understudy: Platform, gpt: openai.OpenAI) -> None:
    model = fresh("claude")
    understudy.order({"kind": "status", "code": 529, "retry_after": 30}, provider="anthropic", model=model)
    raw = gpt.chat.completions.with_raw_response.create(model=model, messages=HELLO, stream=True, max_tokens=40)
    assert (raw.headers["x-drey-fallback"], raw.headers["x-drey-provider"]) == ("true", "bedrock")
    assert raw.headers["x-drey-attempts"] == "2"
    assert "".join(c.choices[0].delta.content or "" for c in raw.parse() if c.choices)


def test_a_refusal_before_the_first_word_has_its_status(understudy: Platform, gpt: openai.OpenAI, key: NewKey) -> None:
    model = fresh("alone")
    understudy.order({"kind": "status", "code": 503}, model=model)
    with pytest.raises(openai.InternalServerError) as told:
        gpt.chat.completions.create(model=model, messages=HELLO, stream=True, max_tokens=40)
    assert told.value.status_code == 503
    assert balances(key) == (0, 0)


def test_a_cut_answer_never_looks_whole_and_is_paid_at_its_ceiling(
    understudy: Platform, gpt: openai.OpenAI, claude: anthropic.Anthropic, key: NewKey
) -> None:
    model = fresh("alone")
    understudy.order({"kind": "cut", "after_events": 6}, model=model)
    with pytest.raises(openai.APIError):
        list(gpt.chat.completions.create(model=model, messages=HELLO, stream=True, max_tokens=40))
    with pytest.raises(anthropic.APIError), claude.messages.stream(model=model, messages=HELLO, max_tokens=40) as said:
        said.get_final_message()
    told = [text for _, text in events(understudy, key, "/v1/stream", model=model, messages=HELLO, maxTokens=40)]
    assert json.loads(told[-1])["error"]
    held, spent = settled(key)
    assert held == 0
    assert spent > 0


def test_who_leaves_pays_and_holds_no_more(understudy: Platform, gpt: openai.OpenAI, key: NewKey) -> None:
    model = fresh("alone")
    understudy.order({"kind": "stall", "after_events": 5}, model=model)
    stream = gpt.chat.completions.create(model=model, messages=HELLO, stream=True, max_tokens=40)
    next(iter(stream))
    stream.close()
    held, spent = settled(key)
    assert (held, spent > 0) == (0, True)
    assert callers.identify(key.api_key)


def test_a_buffered_stream_comes_at_once_with_its_account(understudy: Platform, gpt: openai.OpenAI) -> None:
    raw = gpt.chat.completions.with_raw_response.create(
        model=fresh("claude"),
        messages=HELLO,
        stream=True,
        max_tokens=40,
        extra_headers={"x-drey-stream-mode": "buffered"},
    )
    assert float(raw.headers["x-drey-cost-usd"]) > 0
    assert "".join(c.choices[0].delta.content or "" for c in raw.parse() if c.choices)


def test_a_buffered_stream_that_breaks_off_is_refused(understudy: Platform, gpt: openai.OpenAI) -> None:
    model = fresh("alone")
    understudy.order({"kind": "cut", "after_events": 6}, model=model)
    with pytest.raises(openai.APIStatusError) as told:
        gpt.chat.completions.create(
            model=model,
            messages=HELLO,
            stream=True,
            max_tokens=40,
            extra_headers={"x-drey-stream-mode": "buffered"},
        )
    assert told.value.status_code == 502
