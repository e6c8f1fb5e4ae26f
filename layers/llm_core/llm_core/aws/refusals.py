"""From an error to an answer: one table of statuses, one body per dialect.

Both official SDKs retry 408, 409, 429 and 5xx unless `x-should-retry: false` says that it is no use.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llm_core import errors
from llm_core.errors import DreyError, InsufficientScope, InvalidRequest, ProviderError
from llm_core.redaction import redact


@dataclass(frozen=True, slots=True)
class Kind:
    """How one branch of the tree is told: an HTTP status and the type word both vendors' clients know."""

    status: int
    type: str


_TABLE: dict[type[Exception], Kind] = {
    errors.InvalidRequest: Kind(400, "invalid_request_error"),
    errors.Unauthorized: Kind(401, "authentication_error"),
    errors.InsufficientScope: Kind(403, "permission_error"),
    errors.NotFound: Kind(404, "not_found_error"),
    errors.ProviderRefused: Kind(400, "invalid_request_error"),
    errors.ProviderDenied: Kind(502, "api_error"),
    errors.ProviderOverloaded: Kind(503, "overloaded_error"),
    errors.ProviderTimeout: Kind(504, "timeout_error"),
    errors.ProviderFailed: Kind(502, "api_error"),
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


def refusal(error: DreyError, dialect: Dialect, request_id: str) -> Refusal:
    """The answer to a request that ended in this error."""
    kind = next(_TABLE[cls] for cls in type(error).__mro__ if cls in _TABLE)
    headers = {"x-should-retry": "true" if error.retryable else "false"} if kind.status >= 500 else {}
    if isinstance(error, ProviderError) and error.retry_after_s is not None and error.retryable:
        headers["retry-after"] = str(math.ceil(error.retry_after_s))
    body = dialect(error, kind, _message(error), request_id)
    return Refusal(kind.status, headers, json.dumps(body, ensure_ascii=False))


def _message(error: DreyError) -> str:
    if isinstance(error, _FOR_OPERATORS):
        return "The platform is not set up for this request. Its operator finds the reason in the log."
    return redact(error.message)


Dialect = Callable[[DreyError, Kind, str, str], dict[str, Any]]


def openai(error: DreyError, kind: Kind, message: str, request_id: str) -> dict[str, Any]:
    """`{"error": {message, type, param, code}}`, which the openai SDK puts on its exceptions."""
    param = error.param if isinstance(error, InvalidRequest) else None
    detail = {"message": message, "type": kind.type, "param": param, "code": error.code}
    return {"error": detail | _extra(error), "request_id": request_id}


def native(error: DreyError, kind: Kind, message: str, request_id: str) -> dict[str, Any]:
    """`error` is a plain string here: the platform's own client expects that."""
    body = {"error": message, "code": error.code, "statusCode": kind.status, "requestId": request_id}
    return body | _extra(error)


def _extra(error: DreyError) -> dict[str, Any]:
    return {"required_scope": error.required_scope} if isinstance(error, InsufficientScope) else {}


_BY_PATH: tuple[tuple[str, Dialect], ...] = (
    ("/v1/chat/", openai),
    ("/v1/models", openai),
)


def dialect_of(path: str) -> Dialect:
    """The dialect whose clients use this path."""
    return next((dialect for prefix, dialect in _BY_PATH if path.startswith(prefix)), native)
