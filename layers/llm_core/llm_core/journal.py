"""The `llm_call` line: one per attempt, with everything a question about it will need, and its metrics.

Field names follow the OpenTelemetry GenAI conventions where they have one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from llm_core import money
from llm_core.aws import telemetry
from llm_core.catalog import Model
from llm_core.errors import DreyError, ProviderError
from llm_core.messages import Reply, Request
from llm_core.settings import settings


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is known before a provider is asked. `prompt` is prompt_of(request)."""

    id: str
    request: Request
    model: Model
    prompt: bytes
    number: int = 1

    def fields(self, latency_ms: int) -> dict[str, Any]:
        return {
            "event": "llm_call",
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": self.model.provider,
            "gen_ai.request.model": self.request.model,
            "gen_ai.response.id": self.id,
            "prompt_sha256": hashlib.sha256(self.prompt).hexdigest(),
            "latency_ms": latency_ms,
            "attempt": self.number,
            "fallback": False,
            "cached": False,
        }


def prompt_of(request: Request) -> bytes:
    """All that the model is shown, as canonical JSON: the same prompt has the same bytes and so the same hash."""
    return to_json((request.system, request.messages, request.tools))


def answered(attempt: Attempt, reply: Reply, *, cost: int, charged: int, latency_ms: int) -> None:
    """`latency_ms` is the provider's share of the time; money is nano-USD."""
    usage = reply.usage
    fields = attempt.fields(latency_ms) | {
        "outcome": "ok",
        "gen_ai.response.model": reply.model,
        "gen_ai.response.finish_reasons": [reply.finish],
        "gen_ai.usage.input_tokens": usage.prompt,
        "gen_ai.usage.output_tokens": usage.output,
        "tokens_cache_read": usage.cache_read,
        "tokens_cache_write": usage.cache_write_5m + usage.cache_write_1h,
        "tokens_reasoning": usage.reasoning,
        "cost_usd": money.plain(cost),
        "charged_usd": money.plain(charged),
    }
    if not settings().is_prod:
        fields["gen_ai.input.messages"] = attempt.prompt.decode()
        fields["gen_ai.output.messages"] = to_json(reply.parts).decode()
    telemetry.logger.info("llm_call", extra=fields)
    telemetry.measure(
        {"provider": attempt.model.provider, "model": attempt.model.model},
        APILatency=(latency_ms, "Milliseconds"),
        TokensUsed=(usage.total, "Count"),
        Cost=(float(money.usd(cost)), "None"),
    )


def failed(attempt: Attempt, error: DreyError, *, latency_ms: int) -> None:
    """`error.message` must already be fit for a log: redacted, and in prod without the prompt."""
    fields = attempt.fields(latency_ms) | {
        "outcome": error.code,
        "error.type": type(error).__name__,
        "error_message": error.message,
    }
    if isinstance(error, ProviderError):
        fields |= {"provider_status": error.status, "provider_request_id": error.provider_request_id}
    telemetry.logger.warning("llm_call", extra=fields)
    telemetry.measure(
        {"provider": attempt.model.provider, "model": attempt.model.model},
        APILatency=(latency_ms, "Milliseconds"),
        ProviderErrors=(1, "Count"),
    )
