"""The `llm_call` line: one per attempt, with everything a question about it will need, and its metrics.

Field names follow the OpenTelemetry GenAI conventions where they have one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from llm_core import money
from llm_core.aws import telemetry
from llm_core.errors import DreyError
from llm_core.failures import ProviderError
from llm_core.ledger import Row
from llm_core.messages import Embeddings, Reply
from llm_core.settings import settings


def answered(row: Row, prompt: bytes, answer: Reply | Embeddings | None) -> None:
    """An attempt that ended in an answer (None: of unknown usage). Only outside prod do its words go into the log."""
    fields = _fields(row, prompt)
    if isinstance(answer, Reply):
        fields |= {"gen_ai.response.model": answer.model, "gen_ai.response.finish_reasons": [answer.finish]}
        if not settings().is_prod:
            fields["gen_ai.input.messages"] = prompt.decode(errors="replace")
            fields["gen_ai.output.messages"] = json.dumps([asdict(part) for part in answer.parts])
    telemetry.logger.info("llm_call", extra=fields)
    if row.fallback:
        for dimensions in ({"provider": row.provider, "model": row.model}, {"stage": settings().stage}):
            telemetry.measure(dimensions, Fallbacks=(1, "Count"))
    _measure(row, TokensUsed=(row.usage.total, "Count"), Cost=_cost(row))


def failed(row: Row, prompt: bytes, error: DreyError) -> None:
    """An attempt that did not. Its message is fit for a log: rooms of providers see to that."""
    fields = _fields(row, prompt) | {"error.type": type(error).__name__, "error_message": error.message}
    if isinstance(error, ProviderError):
        fields |= {"provider_status": error.status, "provider_request_id": error.provider_request_id}
    telemetry.logger.warning("llm_call", extra=fields)
    if not row.byok:  # what a caller's own key meets there says nothing of the provider
        _measure(row, ProviderErrors=(1, "Count"), **({"Cost": _cost(row)} if row.cost else {}))


def skipped(row: Row, prompt: bytes, error: DreyError) -> None:
    """A candidate that was not asked, so that the account of a fallback has no gap; it has no usage row."""
    telemetry.logger.info(
        "llm_call", extra=_fields(row, prompt) | {"outcome": "skipped", "error_message": error.message}
    )


def _fields(row: Row, prompt: bytes) -> dict[str, Any]:
    usage = row.usage
    return {
        "event": "llm_call",
        "gen_ai.operation.name": row.operation,
        "gen_ai.provider.name": row.provider,
        "gen_ai.request.model": row.requested_model,
        "gen_ai.response.id": row.id,
        "gen_ai.usage.input_tokens": usage.prompt,
        "gen_ai.usage.output_tokens": usage.output,
        "tokens_cache_read": usage.cache_read,
        "tokens_cache_write": usage.cache_write_5m + usage.cache_write_1h,
        "tokens_reasoning": usage.reasoning,
        "model": row.model,
        "outcome": row.outcome,
        "attempt": row.attempt,
        "fallback": row.fallback,
        "cached": row.cached,
        "byok": row.byok,
        "cost_usd": money.plain(row.cost),
        "charged_usd": money.plain(row.charged),
        "estimated": row.estimated,
        "latency_ms": row.latency_ms,
        "prompt_sha256": hashlib.sha256(prompt).hexdigest(),
    }


def _cost(row: Row) -> tuple[float, str]:
    """What the provider bills the platform."""
    return float(money.usd(0 if row.byok else row.cost)), "None"


def _measure(row: Row, **values: tuple[float, str]) -> None:
    dimensions = {"provider": row.provider, "model": row.model}
    telemetry.measure(dimensions, APILatency=(row.latency_ms, "Milliseconds"), **values)
