"""The `llm_call` line and its metrics, to the field: dashboards, saved queries and alarms are written against them."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from llm_core import journal
from llm_core.errors import StoreUnavailable
from llm_core.failures import ProviderOverloaded
from llm_core.ledger import Row
from llm_core.messages import Embeddings, Reply, Text, ToolCall, Usage
from llm_core.settings import settings

PROMPT = '["", [{"role": "user", "parts": [{"text": "Grüße, canary-prompt"}]}]]'.encode()
USAGE = Usage(input=1_000, cache_write_5m=20, cache_write_1h=3, cache_read=400, output=50, reasoning=7)
REPLY = Reply("msg_1", "claude-haiku-4-5-20251001", (Text("canary-answer"), ToolCall("t1", "f", "{}")), "stop", USAGE)

ROW = Row(
    id="gen-0000000000000000000000000001",
    user_id="ada",
    key_id="sk-proj-testtesttest",
    operation="chat",
    requested_model="fast",
    provider="anthropic",
    model="claude-haiku-4-5",
    attempt=1,
    fallback=False,
    outcome="ok",
    usage=USAGE,
    cost=1_000_105,
    charged=1_020_108,
    estimated=False,
    price_version="2026-11-20.abcdef01",
    latency_ms=1_234,
)

COMMON = {
    "event": "llm_call",
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "fast",
    "gen_ai.response.id": "gen-0000000000000000000000000001",
    "gen_ai.usage.input_tokens": 1_423,
    "gen_ai.usage.output_tokens": 50,
    "tokens_cache_read": 400,
    "tokens_cache_write": 23,
    "tokens_reasoning": 7,
    "model": "claude-haiku-4-5",
    "outcome": "ok",
    "attempt": 1,
    "fallback": False,
    "cached": False,
    "byok": False,
    "cost_usd": "0.001000105",
    "charged_usd": "0.001020108",
    "estimated": False,
    "latency_ms": 1_234,
    "prompt_sha256": hashlib.sha256(PROMPT).hexdigest(),
}
TOLD = {
    "gen_ai.response.model": "claude-haiku-4-5-20251001",
    "gen_ai.response.finish_reasons": ["stop"],
}
POWERTOOLS = {"level", "location", "message", "timestamp", "service", "xray_trace_id"}


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A door's environment as far as a line needs one; call it with another stage."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Drey")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "drey")

    def at(stage: str) -> None:
        monkeypatch.setenv("STAGE", stage)
        settings.cache_clear()

    at("dev")
    yield at
    monkeypatch.undo()
    settings.cache_clear()


def line(log: io.StringIO) -> dict[str, Any]:
    (only,) = [json.loads(text) for text in log.getvalue().splitlines()]
    return {name: value for name, value in only.items() if name not in POWERTOOLS - {"level", "message"}}


def metrics(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(text) for text in capsys.readouterr().out.splitlines() if '"_aws"' in text]


def test_an_answer_is_one_line_with_all_of_this_and_nothing_else(log: io.StringIO, stage: Any) -> None:
    stage("prod")
    journal.answered(ROW, PROMPT, REPLY)
    assert line(log) == COMMON | TOLD | {"level": "INFO", "message": "llm_call"}


@pytest.mark.parametrize("name", ["dev", "staging", "ci", "local"])
def test_outside_prod_the_words_are_there_too(log: io.StringIO, stage: Any, name: str) -> None:
    stage(name)
    journal.answered(ROW, PROMPT, REPLY)
    told = line(log)
    assert told.pop("gen_ai.input.messages") == PROMPT.decode()
    assert json.loads(told.pop("gen_ai.output.messages")) == [
        {"text": "canary-answer"},
        {"id": "t1", "name": "f", "arguments": "{}"},
    ]
    assert told == COMMON | TOLD | {"level": "INFO", "message": "llm_call"}


def test_in_prod_no_word_of_it_is_kept_and_the_hash_still_tells_prompts_apart(log: io.StringIO, stage: Any) -> None:
    stage("prod")
    journal.answered(ROW, PROMPT, REPLY)
    journal.answered(ROW, PROMPT + b" ", REPLY)
    journal.failed(ROW, PROMPT, ProviderOverloaded("busy", provider="anthropic", status=529))
    told = [json.loads(text) for text in log.getvalue().splitlines()]
    assert "canary" not in log.getvalue()
    assert told[0]["prompt_sha256"] == told[2]["prompt_sha256"] != told[1]["prompt_sha256"]


def test_the_hash_of_a_prompt_is_the_same_in_every_process_and_version() -> None:
    """Written down here because saved queries and evaluations look for it."""
    assert COMMON["prompt_sha256"] == "892997cb3366e7b97faae43810c02941c70be7528eff7f8789cc638eb30c951f"


def test_vectors_have_no_finish_and_no_words(log: io.StringIO) -> None:
    row = replace(ROW, operation="embeddings", usage=Usage(input=5))
    journal.answered(row, PROMPT, Embeddings([[0.25]], Usage(input=5)))
    told = line(log)
    assert told["gen_ai.operation.name"] == "embeddings"
    assert set(told) == set(COMMON) | {"level", "message"}
    assert "canary" not in log.getvalue()


def test_a_failure_is_a_warning_with_its_reason_and_the_providers_own_ids(log: io.StringIO) -> None:
    row = replace(ROW, outcome="provider_overloaded", usage=Usage(), cost=0, charged=0)
    error = ProviderOverloaded("busy", provider="anthropic", status=529, provider_request_id="req_1")
    journal.failed(row, PROMPT, error)
    nothing = {
        "gen_ai.usage.input_tokens": 0,
        "gen_ai.usage.output_tokens": 0,
        "tokens_cache_read": 0,
        "tokens_cache_write": 0,
        "tokens_reasoning": 0,
        "cost_usd": "0",
        "charged_usd": "0",
    }
    assert line(log) == COMMON | nothing | {
        "level": "WARNING",
        "message": "llm_call",
        "outcome": "provider_overloaded",
        "error.type": "ProviderOverloaded",
        "error_message": "busy",
        "provider_status": 529,
        "provider_request_id": "req_1",
    }


def test_a_failure_that_is_not_a_providers_has_no_status_of_one(log: io.StringIO) -> None:
    journal.failed(ROW, PROMPT, StoreUnavailable("later"))
    told = line(log)
    assert told["error.type"] == "StoreUnavailable"
    assert not {"provider_status", "provider_request_id"} & set(told)


# ------------------------------------------------------------------------------------------- metrics

DIMENSIONS = {"provider": "anthropic", "model": "claude-haiku-4-5", "service": "drey"}


def emf(blob: dict[str, Any]) -> tuple[dict[str, str], dict[str, tuple[list[float], str]]]:
    """What CloudWatch makes of a line: its dimensions, and each metric's values and unit."""
    (directive,) = blob["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Drey"
    (names,) = directive["Dimensions"]
    values = {each["Name"]: (blob[each["Name"]], each["Unit"]) for each in directive["Metrics"]}
    assert set(blob) == {"_aws", *names, *values}, "nothing else: a line of metrics is a log line too"
    return {name: blob[name] for name in names}, values


def test_an_answer_is_measured_once(capsys: pytest.CaptureFixture[str], log: io.StringIO) -> None:
    journal.answered(ROW, PROMPT, REPLY)
    (blob,) = metrics(capsys)
    assert emf(blob) == (
        DIMENSIONS,
        {
            "APILatency": ([1234.0], "Milliseconds"),
            "TokensUsed": ([1473.0], "Count"),
            "Cost": ([0.001000105], "None"),
        },
    )


def test_a_failure_is_measured_by_its_latency_and_counted(capsys: pytest.CaptureFixture[str], log: io.StringIO) -> None:
    journal.failed(replace(ROW, cost=0, charged=0), PROMPT, ProviderOverloaded("busy", provider="anthropic"))
    (blob,) = metrics(capsys)
    assert emf(blob) == (
        DIMENSIONS,
        {"APILatency": ([1234.0], "Milliseconds"), "ProviderErrors": ([1.0], "Count")},
    )


def test_a_fallback_is_counted_under_the_model_that_answered(
    capsys: pytest.CaptureFixture[str], log: io.StringIO
) -> None:
    journal.answered(replace(ROW, fallback=True, provider="bedrock", model="global.claude"), PROMPT, REPLY)
    counted, of_the_stage, measured = map(emf, metrics(capsys))
    assert counted == ({**DIMENSIONS, "provider": "bedrock", "model": "global.claude"}, {"Fallbacks": ([1.0], "Count")})
    assert of_the_stage == ({"stage": "dev", "service": "drey"}, counted[1])
    assert set(measured[1]) == {"APILatency", "TokensUsed", "Cost"}


def test_a_fallback_that_fails_too_is_a_failure_and_no_fallback(
    capsys: pytest.CaptureFixture[str], log: io.StringIO
) -> None:
    journal.failed(replace(ROW, fallback=True, cost=0), PROMPT, ProviderOverloaded("busy", provider="anthropic"))
    (blob,) = metrics(capsys)
    assert set(emf(blob)[1]) == {"APILatency", "ProviderErrors"}


def test_an_end_that_nobody_saw_costs_in_the_metrics_what_it_costs_in_the_books(
    capsys: pytest.CaptureFixture[str], log: io.StringIO
) -> None:
    """An alarm on Cost watches the money: what is charged by estimate is spent too."""
    estimated = replace(ROW, outcome="timeout", usage=Usage(), estimated=True)
    journal.failed(estimated, PROMPT, ProviderOverloaded("busy", provider="anthropic"))
    (blob,) = metrics(capsys)
    assert emf(blob)[1].get("Cost") == ([0.001000105], "None")
