"""The circuit breaker: a candidate that keeps failing is left alone, in every environment, until one probe succeeds.

Powertools' breaker: state in DynamoDB, cached here for five seconds; nothing is written while all is well, and when the
table cannot be reached the breaker lets everything through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from aws_lambda_powertools.utilities.circuit_breaker import CircuitBreakerConfig
from aws_lambda_powertools.utilities.circuit_breaker.base import CircuitBreakerHandler
from aws_lambda_powertools.utilities.circuit_breaker.exceptions import CircuitBreakerOpenError
from aws_lambda_powertools.utilities.circuit_breaker.persistence import CircuitBreakerDynamoDBPersistence
from aws_lambda_powertools.utilities.circuit_breaker.states import CircuitState, CircuitTransition

from llm_core.aws import clients, scan, telemetry
from llm_core.failures import (
    ProviderDenied,
    ProviderError,
    ProviderFailed,
    ProviderOverloaded,
    ProviderRefused,
    ProviderSkipped,
    ProviderTimeout,
)
from llm_core.settings import settings

FAILURES = 3
"""Consecutive ones in one environment: low, because each environment counts for itself."""

RECOVERY_SECONDS = 30

PREFIX = "breaker#"
"""Of a circuit's name in the health table."""

_stores: dict[str, CircuitBreakerDynamoDBPersistence] = {}


def guarded[T](name: str, provider: str, call: Callable[[], T]) -> T:
    """Make the call, unless the circuit of this candidate is open. Raises ProviderSkipped, or what the call raises."""
    table = settings().need("health_table_name")
    if table not in _stores:
        _stores[table] = CircuitBreakerDynamoDBPersistence(
            table_name=table, key_attr="name", expiry_attr="ttl", boto3_client=clients.dynamodb()
        )
    config = CircuitBreakerConfig(
        failure_threshold=FAILURES,
        recovery_timeout=RECOVERY_SECONDS,
        success_threshold=1,
        handled_exceptions=(ProviderFailed, ProviderOverloaded, ProviderTimeout),
    )
    circuit = CircuitBreakerHandler(
        lambda: _alive(call), f"{PREFIX}{name}", config, _stores[table], on_transition=_told
    )
    try:
        answer: T | ProviderError = circuit.handle()
    except CircuitBreakerOpenError as error:
        words = f"{provider} failed repeatedly and is left alone for a while."
        raise ProviderSkipped(words, provider=provider, retry_after_s=RECOVERY_SECONDS) from error
    if isinstance(answer, ProviderError):
        raise answer
    return answer


def troubled() -> Iterator[tuple[str, str, str | None]]:
    """The candidates whose circuit is not closed: `provider/model`, `open` or `half_open`, and since when (UTC).

    The table of health is read whole; it is small. Raises StoreUnavailable.
    """
    for item in scan.every(settings().need("health_table_name")):
        stands = str(item.get("state", CircuitState.CLOSED.value)).lower()
        if str(item["name"]).startswith(PREFIX) and stands != CircuitState.CLOSED.value.lower():
            since = item.get("opened_at")
            told = since and datetime.fromtimestamp(float(since), UTC).isoformat(timespec="seconds")
            yield str(item["name"]).removeprefix(PREFIX), stands, told and told.replace("+00:00", "Z")


def _alive[T](call: Callable[[], T]) -> T | ProviderError:
    """Who refuses is there: for the circuit that is a success, which ends a row of failures and a probe."""
    try:
        return call()
    except (ProviderRefused, ProviderDenied) as refusal:
        return refusal


def _told(change: CircuitTransition) -> None:
    telemetry.logger.warning(
        "breaker",
        extra={"event": "breaker", "circuit": change.circuit_name, "from": change.from_state, "to": change.to_state},
    )
