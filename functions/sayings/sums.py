"""Sums of the votes, kept with each vote: a few items per model, so reading them never looks at a vote.

An item `vendor#model#shard` has `positive` and `negative`, `time_ms` and `timed` (the sum and the number of response
times), and `positive:<service>` and `negative:<service>`. A model's votes are spread over shards, because DynamoDB
cancels transactions that meet in one item.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from llm_core.aws import table
from llm_core.aws.writes import Write
from llm_core.settings import settings
from sayings.feedback import Vote
from sayings.saying import display
from sayings.services import services

SHARDS = 8
MOST_SERVICES = 5
"""Services of one saying that are counted."""

_SCOPE = "models"


def counting(vote: Vote) -> Write:
    """A step of the vote's transaction."""
    way = "positive" if vote.positive else "negative"
    names = {"#way": way} | {f"#service{n}": f"{way}:{service}" for n, service in enumerate(vote.services)}
    changes, values = [f"{name} :one" for name in names], dict[str, Any]({":one": 1})
    if vote.response_time is not None:
        changes += ["#time_ms :took", "#timed :one"]
        values[":took"] = vote.response_time
    cell = f"{vote.vendor}#{vote.model}#{random.randrange(SHARDS)}"  # noqa: S311 - no secret depends on it
    change = f"ADD {', '.join(changes)}"
    return Write(_table(), {"scope": _SCOPE, "cell": cell}, change, values=values, names=names)


def read() -> list[Mapping[str, Any]]:
    """All items. Raises StoreUnavailable."""
    return list(table.query(_table(), {"scope": _SCOPE}, between=("cell", "!", "~"), consistent=False))


def statistics(items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`{models: [...], services: [...]}`, the best score first. Times in milliseconds, rates in percent."""
    models: dict[str, Counter[str]] = {}
    for item in items:
        name = item["cell"].rpartition("#")[0]
        numbers = {key: value for key, value in item.items() if key not in ("scope", "cell")}
        models.setdefault(name, Counter()).update(numbers)
    of_services: dict[str, Counter[str]] = {}
    for counted in models.values():
        for key, value in counted.items():
            way, _, service = key.partition(":")
            if service:
                of_services.setdefault(service, Counter())[way] += value
    return {
        "models": _best_first(_of_model(name, counted) for name, counted in models.items()),
        "services": _best_first(_of_service(name, counted) for name, counted in of_services.items()),
    }


def _of_model(name: str, counted: Counter[str]) -> dict[str, Any]:
    vendor, _, model = name.partition("#")
    timed = counted["timed"]
    average = float(round(Decimal(counted["time_ms"]) / timed, 1)) if timed else None
    return {
        "vendor": vendor,
        "model": model,
        "name": display(model),
        **_judged(counted),
        "averageResponseTimeMs": average,
    }


def _of_service(name: str, counted: Counter[str]) -> dict[str, Any]:
    known = services().get(name)
    return {"service": name, "name": known.name if known else name, **_judged(counted)}


def _judged(counted: Counter[str]) -> dict[str, Any]:
    positive, negative = counted["positive"], counted["negative"]
    total = positive + negative
    return {
        "positive": positive,
        "negative": negative,
        "total": total,
        "score": positive - negative,
        "successRate": round(positive / total * 100, 2) if total else None,
    }


def _best_first(told: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(told, key=lambda each: (-each["score"], -each["total"], each["name"]))


def _table() -> str:
    return settings().need("saying_sums_table_name")
