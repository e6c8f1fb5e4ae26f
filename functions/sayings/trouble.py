"""Trouble as it is logged: always with the same four names, so that one saved query counts it."""

from __future__ import annotations

from llm_core.aws import telemetry
from llm_core.errors import BudgetExceeded, DeadlineExceeded, DreyError, Misconfigured, StoreUnavailable
from llm_core.failures import ProviderDenied, ProviderError, ProviderOverloaded, ProviderRefused, ProviderTimeout

ASKING = "Error asking a model for sayings"
KEEPING = "Error keeping sayings"

_TYPES: dict[type[DreyError], str] = {
    ProviderTimeout: "Timeout",
    ProviderOverloaded: "RateLimit",
    ProviderDenied: "ApiError:Denied",
    ProviderRefused: "ApiError:BadRequest",
    ProviderError: "ApiError",
    BudgetExceeded: "BudgetExceeded",
    DeadlineExceeded: "Timeout",
    Misconfigured: "Misconfigured",
    StoreUnavailable: "StoreUnavailable",
    DreyError: "Refused",
}


def error_type(error: DreyError) -> str:
    """What went wrong, in the words of the saved query; the nearest class of the tree decides."""
    own = getattr(error, "error_type", None)
    return own or next(_TYPES[cls] for cls in type(error).__mro__ if cls in _TYPES)


def log(error: DreyError, model: str, message: str, api_time_ms: int = 0) -> None:
    """Log an error with its stack. `model` is who was asked: a model, or DynamoDB."""
    told = {
        "model": model,
        "error_type": error_type(error),
        "error_message": error.message,
        "api_time_ms": api_time_ms,
    }
    telemetry.logger.error(message, extra=told, exc_info=error)
