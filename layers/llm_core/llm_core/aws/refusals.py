"""From an error to an answer: one table of statuses, one body per dialect.

Both official SDKs retry 408, 409, 429 and 5xx unless `x-should-retry: false` says that it is no use.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llm_core import errors, failures
from llm_core.errors import DreyError
from llm_core.redaction import redact


@dataclass(frozen=True, slots=True)
class Kind:
    """How one branch of the tree is told: an HTTP status and the type word both vendors' clients know."""

    status: int
    type: str


Told = Callable[[DreyError, Kind, str, str], dict[str, Any]]
"""A dialect's way of telling: error, kind, message for the caller and request id in, JSON out."""

_TABLE: dict[type[Exception], Kind] = {
    errors.InvalidRequest: Kind(400, "invalid_request_error"),
    errors.Unauthorized: Kind(401, "authentication_error"),
    errors.BudgetExceeded: Kind(402, "billing_error"),
    errors.NotAllowed: Kind(403, "permission_error"),
    errors.Outdated: Kind(412, "invalid_request_error"),
    errors.IdempotencyMismatch: Kind(422, "invalid_request_error"),
    errors.RateLimited: Kind(429, "rate_limit_error"),
    errors.NotFound: Kind(404, "not_found_error"),
    failures.ProviderRefused: Kind(400, "invalid_request_error"),
    failures.ProviderTooLarge: Kind(413, "request_too_large"),
    failures.ProviderDenied: Kind(502, "api_error"),
    failures.OwnKeyRefused: Kind(400, "invalid_request_error"),
    failures.ProviderOverloaded: Kind(503, "overloaded_error"),
    failures.ProviderCancelled: Kind(499, "api_error"),  # nginx's "client closed request", which no SDK repeats
    failures.ProviderTimeout: Kind(504, "timeout_error"),
    failures.ProviderFailed: Kind(502, "api_error"),
    failures.ProviderSkipped: Kind(503, "overloaded_error"),
    failures.ProviderUnaffordable: Kind(402, "billing_error"),
    errors.DeadlineExceeded: Kind(504, "timeout_error"),
    errors.StoreUnavailable: Kind(503, "overloaded_error"),
    errors.Misconfigured: Kind(500, "api_error"),
    errors.LedgerUnavailable: Kind(500, "api_error"),
    DreyError: Kind(500, "api_error"),
}

_FOR_OPERATORS = (errors.Misconfigured,)
"""Errors whose words name settings and references: they are for the log, not for a caller."""


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    headers: dict[str, str]
    body: str


def refusal(error: DreyError, told: Told, request_id: str) -> Refusal:
    """The answer to a request that ended in this error."""
    kind = _kind(error)
    may_be_retried = kind.status == 429 or kind.status >= 500
    headers = {"x-should-retry": "true" if error.retryable else "false"} if may_be_retried else {}
    if error.retry_after_s is not None and error.retryable:
        headers["retry-after"] = str(math.ceil(error.retry_after_s))
    body = told(error, kind, _message(error), request_id)
    return Refusal(kind.status, headers, redact(json.dumps(body)))


def _kind(error: DreyError) -> Kind:
    """Of many failures the last decides: it is what the caller would meet again."""
    if isinstance(error, failures.AllProvidersFailed):
        return _kind(error.failures[-1][1])
    return next(_TABLE[cls] for cls in type(error).__mro__ if cls in _TABLE)


def _message(error: DreyError) -> str:
    if isinstance(error, _FOR_OPERATORS):
        return "The platform is not set up for this request. Its operator finds the reason in the log."
    return error.message


def openai(error: DreyError, kind: Kind, message: str, request_id: str) -> dict[str, Any]:
    """`{"error": {message, type, param, code}}`, which the openai SDK puts on its exceptions."""
    detail = {"message": message, "type": kind.type, "param": error.param, "code": error.code}
    return {"error": detail | dict(error.details), "request_id": request_id}


def anthropic(error: DreyError, kind: Kind, message: str, request_id: str) -> dict[str, Any]:
    """`{"type": "error", "error": {type, message}, "request_id"}`; `code` and `param` are ours."""
    detail = {"type": kind.type, "message": message, "param": error.param, "code": error.code}
    return {"type": "error", "error": detail | dict(error.details), "request_id": request_id}


def native(error: DreyError, kind: Kind, message: str, request_id: str) -> dict[str, Any]:
    """`error` is a plain string here: the platform's own client expects that."""
    body: dict[str, Any] = {"error": message, "code": error.code, "statusCode": kind.status, "requestId": request_id}
    return body | dict(error.details)
