"""How well the platform is: breakers, tables, prices, models that end, and what CloudWatch measured lately."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from llm_core import freshness
from llm_core.aws import breaker, clients, table
from llm_core.aws.stage_catalog import catalog
from llm_core.settings import settings

_TABLES = {"keys": "keyId", "budgets": "userId", "health": "name"}
"""Tables that every call reads, by the name of their key."""


def _metrics() -> dict[str, tuple[str, str, str, dict[str, str]]]:
    """What CloudWatch is asked for: namespace, metric, statistic, dimensions."""
    api = settings().need("api_name")
    of_api = {"ApiName": api, "Stage": "api"}
    return {
        "apiMs": ("AWS/ApiGateway", "Latency", "p95", of_api),
        "errors": ("AWS/ApiGateway", "5XXError", "Average", of_api),
        "starts": (f"Drey/{api}", "ColdStarts", "SampleCount", {}),
        "startMs": (f"Drey/{api}", "ColdStarts", "Average", {}),
    }


def told(now: float) -> dict[str, Any]:
    """`{asOf, candidates, breakers, prices, shutdowns, tables, measured}`; times in milliseconds.

    `measured` is null where CloudWatch cannot be asked, and each figure null where it has none: nothing is made up.
    Raises StoreUnavailable.
    """
    moment = datetime.fromtimestamp(now, UTC)
    models, today = catalog().models, moment.date()
    ending = sorted((m for m in models if m.shutdown), key=lambda model: str(model.shutdown))
    return {
        "asOf": moment.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "candidates": len(models),
        "breakers": [
            {"candidate": name, "state": state, "since": since} for name, state, since in sorted(breaker.troubled())
        ],
        "prices": {
            "version": catalog().version,
            "ageDays": freshness.age(models, today),
            "longestDays": freshness.LONGEST_DAYS,
        },
        "shutdowns": [
            {
                "model": model.model,
                "provider": model.provider,
                "shutdown": model.shutdown.isoformat(),
                "days": freshness.days(today, model.shutdown),
            }
            for model in ending
            if model.shutdown
        ],
        "tables": [{"name": name, "ms": _read_ms(name, key)} for name, key in _TABLES.items()],
        "measured": _measured(moment),
    }


def _read_ms(name: str, key: str) -> float:
    """How long one consistent read takes, of an item that is not there."""
    began = time.monotonic()
    table.get(settings().need(f"{name}_table_name"), {key: "nobody"})
    return round((time.monotonic() - began) * 1000, 2)


def _measured(now: datetime) -> dict[str, float | None] | None:
    """Of the last hour; `errors` is the share of requests that ended in a 5xx, from 0 to 1."""
    queries: list[Any] = [
        {
            "Id": name.lower(),
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
                    "MetricName": metric,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                },
                "Period": 3600,
                "Stat": statistic,
            },
        }
        for name, (namespace, metric, statistic, dimensions) in _metrics().items()
    ]
    try:
        answer = clients.cloudwatch().get_metric_data(
            MetricDataQueries=queries, StartTime=now - timedelta(hours=1), EndTime=now
        )
    except clients.FAILURES:
        return None
    values = {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}
    found = {name: values[name.lower()][0] if values.get(name.lower()) else None for name in _metrics()}
    return found if any(value is not None for value in found.values()) else None
