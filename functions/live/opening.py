"""A route of the WebSocket API as a handler: its log, its time, and its errors as statuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llm_core.aws import telemetry
from llm_core.aws.http import defect
from llm_core.aws.refusals import native, refusal
from llm_core.deadline import Deadline
from llm_core.errors import DreyError

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Arrived:
    """What API Gateway sent of one connection."""

    event: dict[str, Any]
    connection: str
    request_id: str
    deadline: Deadline


def route(run: Callable[[Arrived], None]) -> Handler:
    """The handler: status 200, or that of what `run` raised. A connection is opened only by 200."""

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        if event.get("warmup"):
            return {"statusCode": 200}
        told = event["requestContext"]
        connection, request_id = told["connectionId"], told["requestId"]
        deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000 - 1)
        with telemetry.request(request_id=request_id, connection=connection, route=told["routeKey"]):
            try:
                run(Arrived(event, connection, request_id, deadline))
            except Exception as error:  # noqa: BLE001 - whatever it is, it has a status
                failure = error if isinstance(error, DreyError) else defect(error)
                answer = refusal(failure, native, request_id)
                telemetry.logger.warning("refused", exc_info=error, extra={"event": "socket_refused"})
                return {"statusCode": answer.status, "body": answer.body}
        return {"statusCode": 200}

    return handler
