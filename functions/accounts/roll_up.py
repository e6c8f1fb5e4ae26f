"""Stream of the usage table: sums by hour and day follow the rows."""

from __future__ import annotations

from typing import Any

from llm_core.aws import streams, telemetry
from llm_core.deadline import Deadline
from llm_core.roll_ups.counting import Fact, Unreadable, count
from llm_core.settings import settings

SECONDS_TO_ANSWER = 5.0
"""What is kept of the function's time-out, so that trouble is told by us and not by Lambda."""

settings()  # a wrong environment stops the door at its start


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Raises StoreUnavailable: the whole batch comes again, and what was counted of it is not counted twice."""
    deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_ANSWER)
    facts, failed = [], []
    with telemetry.request(request_id=context.aws_request_id):
        for number, row in streams.written(event):
            try:
                facts.append(Fact.of(row))
            except Unreadable:
                which = {"user_id": row.get("userId"), "timestamp_of_row": row.get("timestamp")}
                telemetry.logger.exception("usage row", extra={"event": "usage_row_uncounted", **which})
                failed.append(number)
        counted = count(facts, deadline)
        telemetry.logger.info("rolled up", extra={"event": "roll_up", "rows": len(facts), "counted": counted})
    return streams.answer(failed)
