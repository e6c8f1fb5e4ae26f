"""Same dialect in and out: what a caller sends reaches the provider byte for byte, or is refused by rule."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from llm_core import ledger
from llm_core.callers import identify
from llm_core.money import with_markup
from llm_core.settings import settings
from tests.conftest import Platform, fresh

MESSAGES, CHAT = "/v1/messages", "/v1/chat/completions"
HELLO = {"role": "user", "content": "Hello"}
PICTURE = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
SCHEMA = {
    "type": "object",
    "properties": {"größe": {"type": ["number", "null"], "exclusiveMinimum": 0.1, "maximum": 12345678901234567890}},
    "required": [],
    "additionalProperties": False,
}

ANTHROPIC: dict[str, Any] = {
    "system": [
        {"type": "text", "text": "You are a squirrel. 🐿️", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        {"type": "text", "text": 'Say "no" to <crows>.\n\ttabs\u2028too', "cache_control": {"type": "ephemeral"}},
    ],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?", "cache_control": None},
                {"type": "image", "source": PICTURE, "cache_control": {"type": "ephemeral", "ttl": "5m"}},
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                {
                    "type": "document",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
                    "title": "Nests",
                    "context": "field notes",
                    "citations": {"enabled": True},
                },
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "A drey."}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Let me measure it.", "signature": "EqQBCgIYAhIM+/=="},
                {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix/LafPsn4a"},
                {"type": "text", "text": "I will measure.", "citations": None},
                {
                    "type": "tool_use",
                    "id": "toolu_01A",
                    "name": "measure",
                    "input": {"größe": 1.50, "deep": [{"a": None}]},
                    "caller": {"type": "direct", "from_the_future": 1},
                },
                {"type": "tool_use", "id": "toolu_01B", "name": "measure", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_01A",
                    "content": [{"type": "text", "text": "21 cm"}, {"type": "image", "source": PICTURE}],
                    "cache_control": {"type": "ephemeral"},
                },
                {"type": "tool_result", "tool_use_id": "toolu_01B", "content": "out of reach", "is_error": True},
                {"type": "text", "text": "So?"},
            ],
        },
    ],
    "tools": [
        {"name": "measure", "description": "Measures.", "input_schema": SCHEMA, "strict": True},
        {"type": "bash_20250124", "name": "bash", "cache_control": {"type": "ephemeral"}},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 2, "allowed_domains": ["example.com"]},
    ],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "output_config": {"effort": "low"},
    "cache_control": {"type": "ephemeral"},
    "metadata": {"user_id": "u-1"},
    "stop_sequences": ["\n\nHuman:"],
    "service_tier": "standard_only",
    "temperature": 1.0,
    "top_k": 5,
}

OPENAI: dict[str, Any] = {
    "messages": [
        {"role": "developer", "content": [{"type": "text", "text": "You are a squirrel. 🐿️"}], "name": "house"},
        {
            "role": "user",
            "name": "ada",
            "content": [
                {"type": "text", "text": 'What is "this"?\u2028'},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "high"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}},
            ],
        },
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "I will not."}], "annotations": []},
        {"role": "user", "content": "Measure it then."},
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "audio": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "measure", "arguments": '{ "größe" : 1.50}'}}
            ],
            "reasoning_from_the_future": {"kept": True},
        },
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "21 cm"}]},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": "measure", "description": "Measures.", "parameters": SCHEMA, "strict": True},
        }
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": False,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "size", "description": "How big.", "schema": SCHEMA, "strict": True},
    },
    "logprobs": True,
    "top_logprobs": 3,
    "logit_bias": {"50256": -100},
    "seed": 7,
    "metadata": {"run": "1"},
    "stop": ["END"],
    "user": "u-1",
    "safety_identifier": "u-2",
    "prompt_cache_key": "k",
    "presence_penalty": 0.5,
    "frequency_penalty": -0.5,
    "temperature": 1.7,
    "top_p": 0.9,
    "store": False,
    "modalities": ["text"],
    "service_tier": "default",
}


@pytest.fixture
def ask(understudy: Platform) -> Callable[..., httpx2.Response]:
    """Send a body of one's own making, past the SDKs that might straighten it."""

    def send(path: str, **body: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {understudy.key}"}
        return understudy.http.post(f"{understudy.url}{path}", json=body, headers=headers)

    return send


Ask = Callable[..., httpx2.Response]


def _arrived(understudy: Platform) -> str:
    """The body of the latest request with our words in it: what else runs on the platform may ask between."""
    bodies: list[str] = [each["body"] for each in understudy.asked(20)]
    return next(body for body in reversed(bodies) if "You are a squirrel" in body)


def _wire(name: str, value: Any) -> str:
    """A field as both SDKs put it on the wire."""
    return f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"


@pytest.mark.parametrize("field", ANTHROPIC)
def test_anthropics_field_reaches_anthropic_byte_for_byte(ask: Ask, understudy: Platform, field: str) -> None:
    answer = ask(MESSAGES, model="claude-haiku-4-5", max_tokens=2000, **ANTHROPIC)

    assert answer.status_code == 200, answer.text
    assert _wire(field, ANTHROPIC[field]) in _arrived(understudy)


def test_nothing_is_added_to_what_anthropic_is_sent(ask: Ask, understudy: Platform) -> None:
    ask(MESSAGES, model="claude-haiku-4-5", max_tokens=2000, **ANTHROPIC)

    assert set(json.loads(_arrived(understudy))) == {"model", "max_tokens", *ANTHROPIC}


def test_bedrock_is_told_the_same_as_anthropic(ask: Ask, understudy: Platform) -> None:
    own = {name: value for name, value in ANTHROPIC.items() if name not in ("service_tier", "tools")}
    own["tools"] = ANTHROPIC["tools"][:2]  # Bedrock has no search of its own

    answer = ask(MESSAGES, model="bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0", max_tokens=2000, **own)

    assert answer.status_code == 200, answer.text
    arrived = _arrived(understudy)
    assert [field for field, value in own.items() if _wire(field, value) not in arrived] == []


@pytest.mark.parametrize("field", OPENAI)
def test_openais_field_reaches_openai_byte_for_byte(ask: Ask, understudy: Platform, field: str) -> None:
    answer = ask(CHAT, model="gpt-4.1", max_completion_tokens=500, **OPENAI)

    assert answer.status_code == 200, answer.text
    assert _wire(field, OPENAI[field]) in _arrived(understudy)


def test_nothing_is_added_to_what_openai_is_sent(ask: Ask, understudy: Platform) -> None:
    ask(CHAT, model="gpt-4.1", max_completion_tokens=500, **OPENAI)

    assert set(json.loads(_arrived(understudy))) == {"model", "max_completion_tokens", *OPENAI}


def test_a_prompt_cached_at_anthropic_is_paid_by_its_own_buckets(ask: Ask, understudy: Platform) -> None:
    lasting, brief = {"type": "ephemeral", "ttl": "1h"}, {"type": "ephemeral"}
    long = {"type": "text", "text": f"{fresh('claude')} " * 200}
    body = {"system": [{**long, "cache_control": lasting}, {**long, "cache_control": brief}], "messages": [HELLO]}

    first = ask(MESSAGES, model="claude-haiku-4-5", max_tokens=50, **body).json()["usage"]
    second = ask(MESSAGES, model="claude-haiku-4-5", max_tokens=50, **body).json()["usage"]

    hour, minutes = (first["cache_creation"][f"ephemeral_{ttl}_input_tokens"] for ttl in ("1h", "5m"))
    assert hour > 0 < minutes
    assert second["cache_read_input_tokens"] == hour + minutes
    spent = [each["cost_details"]["upstream_inference_cost"] for each in (first, second)]
    plain = first["input_tokens"] * 1 + first["output_tokens"] * 5
    assert spent[0] == pytest.approx((hour * 2 + minutes * 1.25 + plain) / 1e6, abs=1e-9)
    assert spent[1] == pytest.approx(((hour + minutes) * 0.1 + plain) / 1e6, abs=1e-9)


# The answer


def _replayed(understudy: Platform) -> dict[str, Any]:
    """What the understudy says when the platform's own request is sent to it once more."""
    sent = understudy.asked()[0]
    kept = ("authorization", "x-api-key", "anthropic-version", "content-type")
    headers = {name: value for name, value in sent["headers"].items() if name in kept}
    answer = understudy.http.post(
        f"{understudy.understudy}{sent['path']}", content=sent["body"].encode(), headers=headers
    )
    said: dict[str, Any] = answer.raise_for_status().json()
    return said


def _without_names(value: Any) -> Any:
    """The same, without the ids and signatures that the understudy never gives twice."""
    return json.loads(re.sub(r'"(?:call_|toolu_01|understudy-)\w+"', '"..."', json.dumps(value)))


@pytest.mark.parametrize(
    ("path", "model", "performed"),
    [
        (MESSAGES, "claude-haiku-4-5", {"thinking": "Hm.", "text": "Ein »Kobel«. 🐿️"}),
        (MESSAGES, "claude-haiku-4-5", {"thinking": "Hm.", "tool_calls": [{"name": "f", "arguments": {"ä": [1.5]}}]}),
        (MESSAGES, "claude-haiku-4-5", {"text": "x", "stop_reason": "pause_turn"}),
        (MESSAGES, "claude-haiku-4-5", {"text": "x", "stop_reason": "a_reason_of_the_future"}),
        (CHAT, "gpt-4.1", {"text": "Ein »Kobel«. 🐿️"}),
        (CHAT, "gpt-4.1", {"tool_calls": [{"name": "f", "arguments": '{"not json'}]}),
        (CHAT, "gpt-4.1", {"text": "x", "stop_reason": "a_reason_of_the_future"}),
        (CHAT, "gpt-5.2", {"text": "x", "reasoning_tokens": 50}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)  # fmt: skip
def test_the_answer_comes_back_as_the_provider_gave_it(
    ask: Ask, understudy: Platform, path: str, model: str, performed: dict[str, Any]
) -> None:
    understudy.perform(performed)
    tools = {
        MESSAGES: [{"name": "f", "input_schema": {"type": "object"}}],
        CHAT: [{"type": "function", "function": {"name": "f"}}],
    }

    told = ask(path, model=model, messages=[HELLO], tools=tools[path], max_tokens=500).json()

    said = _replayed(understudy)
    ours = {name: told.pop(name) for name in ("id", "created") if name in told}
    usage = told.pop("usage")
    assert ours["id"].startswith("gen-")
    assert told.pop("model") == model
    assert _without_names(told) == _without_names(
        {name: value for name, value in said.items() if name not in ("id", "created", "model", "usage")}
    )
    assert {name: value for name, value in usage.items() if name not in ("cost", "cost_details")} == said["usage"]


@pytest.mark.parametrize(("path", "model"), [(MESSAGES, "claude-haiku-4-5"), (CHAT, "gpt-4.1")])
def test_a_refusal_comes_back_as_the_provider_gave_it(ask: Ask, understudy: Platform, path: str, model: str) -> None:
    understudy.order({"kind": "refusal", "message": "Not this."})

    answer = ask(path, model=model, messages=[HELLO], max_tokens=100)

    said = _replayed(understudy)
    told = answer.json()
    assert answer.status_code == 200
    assert told.get("choices") == said.get("choices")
    assert (told.get("stop_reason"), told.get("stop_details")) == (said.get("stop_reason"), said.get("stop_details"))


# What is not known


def _text(**more: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "text", "text": "x", **more}]}]


TOOL = {"name": "f", "input_schema": {"type": "object"}}
FUNCTION = {"name": "f"}
UNKNOWN: list[tuple[str, dict[str, Any], str]] = [
    (MESSAGES, {"turbo": 1}, "turbo"),
    (MESSAGES, {"container": "c"}, "container"),
    (MESSAGES, {"mcp_servers": [{"type": "url"}]}, "mcp_servers"),
    (MESSAGES, {"messages": [{**HELLO, "turbo": 1}]}, "messages[0].turbo"),
    (MESSAGES, {"messages": _text(turbo=1)}, "messages[0].content[0].turbo"),
    (MESSAGES, {"messages": _text(cache_control={"type": "ephemeral", "turbo": 1})},
     "messages[0].content[0].cache_control.turbo"),
    (MESSAGES, {"system": [{"type": "text", "text": "x", "turbo": 1}]}, "system[0].turbo"),
    (MESSAGES, {"tools": [{**TOOL, "turbo": 1}]}, "tools[0].turbo"),
    (MESSAGES, {"tools": [TOOL], "tool_choice": {"type": "auto", "turbo": 1}}, "tool_choice.turbo"),
    (MESSAGES, {"output_config": {"turbo": 1}}, "output_config.turbo"),
    (MESSAGES, {"metadata": {"turbo": 1}}, "metadata.turbo"),
    (CHAT, {"turbo": 1}, "turbo"),
    (CHAT, {"web_search_options": {"search_context_size": "high"}}, "web_search_options"),
    (CHAT, {"prediction": {"type": "content", "content": "x"}}, "prediction"),
    (CHAT, {"audio": {"voice": "alloy", "format": "mp3"}}, "audio"),
    (CHAT, {"messages": [{**HELLO, "turbo": 1}]}, "messages[0].turbo"),
    (CHAT, {"messages": _text(turbo=1)}, "messages[0].content[0].turbo"),
    (CHAT, {"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "turbo": 1}}]}]},
     "messages[0].content[0].image_url.turbo"),
    (CHAT, {"messages": [HELLO, {"role": "assistant", "content": "x", "audio": {"id": "a"}}, HELLO]},
     "messages[1].audio"),
    (CHAT, {"tools": [{"type": "function", "function": {**FUNCTION, "turbo": 1}}]}, "tools[0].function.turbo"),
    (CHAT, {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}, "turbo": 1}}},
     "response_format.json_schema.turbo"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "param"), UNKNOWN, ids=lambda value: value if isinstance(value, str) else "")
def test_a_field_nobody_knows_the_price_of_is_refused_by_its_path(
    ask: Ask, understudy: Platform, path: str, body: dict[str, Any], param: str
) -> None:
    before = understudy.asked()[0]["seq"]
    model = {MESSAGES: "claude-haiku-4-5", CHAT: "gpt-4.1"}[path]

    answer = ask(path, **{"model": model, "max_tokens": 100, "messages": [HELLO], **body})

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "parameter_not_priced", param)
    assert understudy.asked()[0]["seq"] == before, "and nobody was asked"


@pytest.mark.parametrize(
    ("path", "model", "body", "param"),
    [
        (CHAT, "gpt-4.1", {"service_tier": "turbo"}, "service_tier"),
        (CHAT, "gpt-4o-mini", {"service_tier": "priority"}, "service_tier"),
        (CHAT, "gpt-4.1", {"service_tier": "flex"}, "service_tier"),
        (MESSAGES, "claude-haiku-4-5", {"speed": "fast"}, "speed"),
        (MESSAGES, "claude-haiku-4-5", {"inference_geo": "us"}, "inference_geo"),
        (MESSAGES, "claude-sonnet-4-6", {"inference_geo": "mars"}, "inference_geo"),
        (MESSAGES, "claude-haiku-4-5", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
         "tools[0].max_uses"),
        (MESSAGES, "claude-haiku-4-5", {"tools": [TOOL, {"type": "code_execution_20250825", "name": "c"}]},
         "tools[1].max_uses"),
        (MESSAGES, "claude-haiku-4-5",
         {"tools": [{"type": "code_execution_20250825", "name": "c", "max_uses": 1}]}, "tools"),
    ],
)  # fmt: skip
def test_a_known_field_with_a_value_of_unknown_price_is_refused(
    ask: Ask, understudy: Platform, path: str, model: str, body: dict[str, Any], param: str
) -> None:
    before = understudy.asked()[0]["seq"]

    answer = ask(path, **{"model": model, "max_tokens": 100, "messages": [HELLO], **body})

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "parameter_not_priced", param)
    assert understudy.asked()[0]["seq"] == before, "and nobody was asked"


# What a field does to the price

PRICED: list[tuple[str, str, dict[str, Any], tuple[int, int], tuple[int, int]]] = [
    (CHAT, "gpt-4.1", {}, (2_000, 8_000), (1, 1)),
    (CHAT, "gpt-4.1", {"service_tier": "auto"}, (2_000, 8_000), (1, 1)),
    (CHAT, "gpt-4.1", {"service_tier": "default"}, (2_000, 8_000), (1, 1)),
    (CHAT, "gpt-4.1", {"service_tier": "priority"}, (2_000, 8_000), (7, 4)),
    (CHAT, "gpt-5.2", {"service_tier": "flex"}, (1_750, 14_000), (1, 2)),
    (CHAT, "gpt-4.1", {"n": 3}, (2_000, 8_000), (1, 1)),
    (MESSAGES, "claude-sonnet-4-6", {"inference_geo": "us"}, (3_000, 15_000), (11, 10)),
    (MESSAGES, "claude-sonnet-4-6", {"inference_geo": "global"}, (3_000, 15_000), (1, 1)),
    (MESSAGES, "claude-sonnet-4-6", {"speed": "standard"}, (3_000, 15_000), (1, 1)),
]


@pytest.mark.parametrize(("path", "model", "field", "prices", "times"), PRICED, ids=str)
def test_what_is_booked_is_what_was_sold_times_what_the_field_does(
    ask: Ask,
    inside: Platform,
    path: str,
    model: str,
    field: dict[str, Any],
    prices: tuple[int, int],
    times: tuple[int, int],
) -> None:
    answer = ask(path, model=model, max_tokens=300, messages=[HELLO], **field)

    assert answer.status_code == 200, answer.text
    sold = inside.sold()[-1]["usage"]
    row = ledger.find(identify(inside.key).user_id, answer.json()["id"])
    nano_usd, over = sold["input"] * prices[0] + sold["output"] * prices[1], times[1]
    assert row["cost"] == -(-nano_usd * times[0] // over)
    assert row["charged"] == with_markup(row["cost"], settings().markup_percent)


def test_three_answers_come_as_three_choices_and_are_paid_thrice(ask: Ask, understudy: Platform) -> None:
    one = ask(CHAT, model="gpt-4.1", messages=[HELLO]).json()
    three = ask(CHAT, model="gpt-4.1", messages=[HELLO], n=3).json()

    assert [choice["index"] for choice in three["choices"]] == [0, 1, 2]
    assert three["usage"]["completion_tokens"] == 3 * one["usage"]["completion_tokens"]
    assert three["usage"]["cost"] > 2 * one["usage"]["cost"]


@pytest.mark.parametrize("asked", [None, "auto"])
def test_openai_is_never_left_to_choose_a_dearer_tier(ask: Ask, understudy: Platform, asked: str | None) -> None:
    ask(CHAT, model="gpt-4.1", messages=[HELLO], service_tier=asked)

    assert json.loads(understudy.asked()[0]["body"])["service_tier"] == "default"


# The bodies per model


@pytest.mark.parametrize(
    ("path", "model"),
    [(MESSAGES, "claude-haiku-4-5"), (MESSAGES, "claude-opus-4-7"), (MESSAGES, "claude-haiku-5-5"),
     (CHAT, "gpt-4.1"), (CHAT, "gpt-5.2"), (CHAT, "claude-opus-4-7")],
)  # fmt: skip
def test_no_sampling_is_sent_that_nobody_asked_for(ask: Ask, understudy: Platform, path: str, model: str) -> None:
    answer = ask(path, model=model, max_tokens=100, messages=[HELLO])

    assert answer.status_code == 200, answer.text
    assert not {"temperature", "top_p", "top_k"} & set(json.loads(understudy.asked()[0]["body"]))


@pytest.mark.parametrize("field", [{"temperature": 1.0}, {"top_p": 0.9}, {"top_k": 5}], ids=str)
@pytest.mark.parametrize("model", ["claude-opus-4-7", "claude-sonnet-5-5", "gpt-5.2"])
def test_sampling_for_a_model_that_takes_none_is_refused_before_anybody_is_asked(
    ask: Ask, understudy: Platform, model: str, field: dict[str, Any]
) -> None:
    before = understudy.asked()[0]["seq"]

    answer = ask(MESSAGES, model=model, max_tokens=100, messages=[HELLO], **field)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "invalid_request")
    assert error["param"] == next(iter(field))
    assert understudy.asked()[0]["seq"] == before


@pytest.mark.parametrize(
    ("model", "version"),
    [
        ("bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0", "bedrock-2023-05-31"),
        ("bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0", "bedrock-2023-05-31"),
        ("bedrock/global.anthropic.claude-sonnet-4-6", "bedrock-2023-05-31"),
        ("bedrock/global.anthropic.claude-opus-4-7", "2026-10-21"),
        ("bedrock/us.anthropic.claude-haiku-5-5", "2026-10-21"),
    ],
)
@pytest.mark.parametrize("path", [MESSAGES, CHAT])
def test_bedrock_is_told_the_version_of_the_api_that_the_model_knows(
    ask: Ask, understudy: Platform, path: str, model: str, version: str
) -> None:
    answer = ask(path, model=model, max_tokens=100, messages=[HELLO])

    assert answer.status_code == 200, answer.text
    asked = understudy.asked()[0]
    body = json.loads(asked["body"])
    assert asked["provider"] == "bedrock"
    assert body["anthropic_version"] == version
    assert "model" not in body, "it stands in the path"
    assert answer.json()["model"] == model.removeprefix("bedrock/")


@pytest.mark.parametrize("given", [{"max_tokens": 77}, {"max_completion_tokens": 77}, {}], ids=str)
def test_openai_is_told_the_newer_name_of_the_limit_and_always_told_one(
    ask: Ask, understudy: Platform, given: dict[str, int]
) -> None:
    ask(CHAT, model="gpt-5.2", messages=[HELLO], **given)

    body = json.loads(understudy.asked()[0]["body"])
    assert body["max_completion_tokens"] == (77 if given else 4096)
    assert "max_tokens" not in body
