"""What GET /sayings answers, and its line of metrics."""

from __future__ import annotations

import time
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from llm_core.aws import telemetry
from llm_core.aws.http import Response
from llm_core.money import usd
from sayings.saying import Place, Saying

SUBJECT = {"subject": "sayings"}
"""Dimension of the metrics: what a whole request took. Those of each call of a model stand beside them, by model."""


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Metrics(_Wire):
    """Times in milliseconds, `cost` in USD. `tokens` and `cost` are of this request: 0 where no model was asked."""

    execution_time: float
    is_cached: bool
    original_llm_time: int | None
    tokens: int
    cost: float


class Told(_Wire):
    saying: str
    source: str
    metrics: Metrics


@dataclass(slots=True)
class Spent:
    """What asking a model took: milliseconds, None where nobody was asked; with what it used, None where it failed."""

    api_ms: int | None = None
    tokens: int | None = None
    cost: int = 0
    """nano-USD."""


def response(saying: Saying, place: Place, spent: Spent, started: float) -> Response:
    """`started`: time.perf_counter() of the request's beginning."""
    took = round((time.perf_counter() - started) * 1000, 3)
    metrics = Metrics(
        execution_time=took,
        is_cached=place == "cache",
        original_llm_time=saying.original_llm_time,
        tokens=spent.tokens or 0,
        cost=float(usd(spent.cost)),
    )
    _measure(took, spent)
    told = Told(saying=saying.saying, source=saying.source(place), metrics=metrics)
    return Response(200, told.model_dump_json(by_alias=True).encode(), {"cache-control": "no-store"})


def _measure(took: float, spent: Spent) -> None:
    """TotalExecutionTime always; APILatency if a model was asked; TokensUsed and Cost if it answered."""
    values: dict[str, tuple[float, str]] = {"TotalExecutionTime": (took, "Milliseconds")}
    if spent.api_ms is not None:
        values["APILatency"] = (spent.api_ms, "Milliseconds")
    if spent.tokens is not None:
        values |= {"TokensUsed": (spent.tokens, "Count"), "Cost": (float(usd(spent.cost)), "None")}
    telemetry.measure(SUBJECT, **values)
