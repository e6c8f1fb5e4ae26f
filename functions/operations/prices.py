"""Schedule, twice a day: how old the oldest price is and how many models have ended, as metrics."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from llm_core import freshness
from llm_core.aws import telemetry
from llm_core.aws.stage_catalog import catalog
from llm_core.settings import settings

settings()  # a wrong environment stops the door at its start


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 - Lambda gives it
    """`{days, ended}` on the day of the event, by this stage's catalog. Metrics by `stage`: `PriceAge`, the days since
    the price was checked that waits longest, and `ModelsEnded`, how many models are past their last day."""
    if event.get("warmup"):
        return {}
    today = datetime.fromisoformat(event["time"]).date()
    models = catalog().models
    ended = freshness.ended(models, today)
    told = {"days": freshness.age(models, today), "ended": len(ended)}
    with telemetry.request(request_id=event["id"], gateway_request_id="none", path="prices"):
        names = [model.name for model in ended]
        telemetry.logger.info("prices", extra={"event": "prices", "age_days": told["days"], "ended": names})
        telemetry.measure(
            {"stage": settings().stage}, PriceAge=(told["days"], "Count"), ModelsEnded=(told["ended"], "Count")
        )
    return told
