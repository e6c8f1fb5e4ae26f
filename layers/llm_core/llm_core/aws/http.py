"""HTTP as a door sees it: routing, the request's id and deadline, one response type, errors into answers."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler import Response as PowertoolsResponse
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from llm_core.aws import telemetry
from llm_core.aws.refusals import Told, native, refusal
from llm_core.deadline import Deadline
from llm_core.errors import DreyError, InvalidRequest, NotFound
from llm_core.redaction import redact
from llm_core.settings import settings

JSON = "application/json"

SECONDS_TO_ANSWER = 5.0
"""What a door keeps of its Lambda time-out for writing the usage row and telling the caller.

API Gateway gives up after 29 s, which include the start of a cold door (two to three seconds): 30 - 5 + 3 < 29.
"""

_TOLD = {
    "x-drey": (
        "generation-id",
        "provider",
        "attempts",
        "fallback",
        "cache",
        "cost-usd",
        "overhead-ms",
        "max-tokens",
        "idempotent-replay",
    ),
    "x-budget": ("limit", "remaining", "reset"),
    "x-ratelimit": tuple(f"{n}-{of}" for n in ("limit", "remaining", "reset") for of in ("requests", "tokens")),
}
_EXPOSED = "x-request-id,request-id,retry-after,x-should-retry," + ",".join(
    f"{of}-{name}" for of, names in _TOLD.items() for name in names
)
"""What a page's script may read of an answer (CORS)."""

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class Response:
    """What every door answers: `body` is whole bytes, or an iterator of them that is sent as it comes."""

    status: int
    body: bytes | Iterator[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON


class _Within(Iterator[bytes]):
    """A body that is made after its door has returned, in the context of its request: its lines carry its labels."""

    def __init__(self, context: Context, body: Iterator[bytes]) -> None:
        self._context = context
        self._body = body

    def __next__(self) -> bytes:
        return self._context.run(next, self._body)

    def close(self) -> None:
        self._context.run(getattr(self._body, "close", lambda: None))


class Door(APIGatewayRestResolver):
    """Powertools' resolver, with what belongs to one request kept apart from every other's.

    `dialects` says how errors are told below a path's beginning; elsewhere they are told natively.

    On Lambda an environment serves one request at a time; in `make run` all doors share a process and its threads,
    where the resolver's class attributes would show one request another's event.
    """

    _event: ContextVar[APIGatewayProxyEvent] = ContextVar("event")
    _lambda_context: ContextVar[Any] = ContextVar("lambda_context")
    _scratch: ContextVar[dict[str, Any]] = ContextVar("scratch")

    def __init__(self, dialects: Mapping[str, Told] | None = None) -> None:
        super().__init__()
        self._dialects = dialects or {}
        self.exception_handler(DreyError)(self._refused)
        self.exception_handler(Exception)(self._failed)
        self.not_found(self._unknown)

    @property
    def current_event(self) -> APIGatewayProxyEvent:  # type: ignore[override]
        return self._event.get()

    @property
    def lambda_context(self) -> Any:  # type: ignore[override]
        return self._lambda_context.get()

    @property
    def context(self) -> dict[str, Any]:
        return self._scratch.get()

    @context.setter
    def context(self, value: dict[str, Any]) -> None:
        self._scratch.set(value)

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """The Lambda handler. A warm-up event is answered at once, touching nothing."""
        if event.get("warmup"):
            return {"statusCode": 200, "body": "warm"}
        self._event.set(APIGatewayProxyEvent(event))
        self._lambda_context.set(context)
        self._scratch.set({})
        gateway_id = self.current_event.request_context.request_id or "unknown"
        with telemetry.request(request_id=self.request_id, gateway_request_id=gateway_id, path=self.current_event.path):
            answer: dict[str, Any] = self._build_response(self._resolve())
            if isinstance(answer.get("body"), Iterator):
                answer["body"] = _Within(copy_context(), answer["body"])
        return answer

    @property
    def request_id(self) -> str:
        """The caller's own `x-request-id`, a mere label; else API Gateway's id."""
        own = self.header("x-request-id")
        fit = own is not None and _REQUEST_ID.fullmatch(own) and redact(own) == own  # a key is no label
        return own if own and fit else self.current_event.request_context.request_id or "unknown"

    def header(self, name: str) -> str | None:
        """A request header, whatever the case it was sent in."""
        value: str | None = self.current_event.headers.get(name)
        return value

    @property
    def deadline(self) -> Deadline:
        """When this request must have been answered."""
        return Deadline.after(self.lambda_context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_ANSWER)

    def api_key(self) -> str | None:
        """The caller's key, from `Authorization: Bearer` or `x-api-key`. Raises InvalidRequest for two different."""
        keys = {value.strip() for value in self.values("x-api-key")}
        for value in self.values("authorization"):
            scheme, _, token = value.partition(" ")
            if scheme.lower() == "bearer":
                keys.add(token.strip())
        if len(keys) > 1:
            raise InvalidRequest("This request carries two different keys. Send one.")
        return next(iter(keys), None)

    def values(self, name: str) -> list[str]:
        """Every value of a header that may have been sent more than once."""
        several = self.current_event.get("multiValueHeaders") or {}
        found = [value for key, values in several.items() if key.lower() == name for value in values]
        single = self.header(name)
        return found or ([single] if single else [])

    def body(self) -> bytes:
        """The request's body, as the client sent it. Raises InvalidRequest for a compressed one."""
        if (encoding := self.header("content-encoding") or "identity").lower() != "identity":
            raise InvalidRequest(f"This body is encoded ({encoding[:20]}). Send it as it is, without Content-Encoding.")
        raw = self.current_event.get("body") or ""
        return base64.b64decode(raw) if self.current_event.is_base64_encoded else raw.encode()

    def _to_response(self, result: Any) -> PowertoolsResponse[Any]:
        """Our response in Powertools' words, under the request's ids."""
        if isinstance(result, PowertoolsResponse):
            return result
        body = result.body.decode() if isinstance(result.body, bytes) else result.body
        headers = {
            "x-request-id": self.request_id,
            "request-id": self.request_id,
            "Access-Control-Allow-Origin": settings().allowed_origin,
            "Access-Control-Expose-Headers": _EXPOSED,
            **({"traceparent": traceparent} if (traceparent := self._traceparent()) else {}),
            **result.headers,
        }
        return PowertoolsResponse(result.status, result.content_type, body, headers)

    def _traceparent(self) -> str | None:
        """The caller's W3C trace context, handed back as it came; it never decides what is sampled here."""
        own = self.header("traceparent")
        return own if own and _TRACEPARENT.fullmatch(own) else None

    def _told(self) -> Told:
        path = self.current_event.path
        return next((told for start, told in self._dialects.items() if path.startswith(start)), native)

    def refused(self, error: DreyError) -> Response:
        """What the caller is told of an error that is being handled, in the dialect of the request's path."""
        answer = refusal(error, self._told(), self.request_id)
        if answer.status >= 500:
            telemetry.logger.exception("request failed", extra={"event": "request_failed", "error.type": error.code})
        return Response(answer.status, answer.body.encode(), answer.headers)

    def _refused(self, error: DreyError) -> PowertoolsResponse[Any]:
        return self._to_response(self.refused(error))

    def _failed(self, error: Exception) -> PowertoolsResponse[Any]:
        answer = refusal(defect(error), self._told(), self.request_id)
        return self._to_response(Response(answer.status, answer.body.encode(), answer.headers))

    def _unknown(self, _: NotFoundError) -> PowertoolsResponse[Any]:
        method, path = self.current_event.http_method, self.current_event.path
        return self._refused(NotFound(f"There is no {method} {path} here."))


def defect(error: BaseException) -> DreyError:
    """What a caller is told of a defect of ours: the request id; the log learns the rest."""
    telemetry.logger.error("defect", exc_info=error, extra={"event": "defect", "error.type": type(error).__name__})
    return DreyError("Something went wrong here. Quote the request id when you ask about it.")
