"""boto3 clients: made once per service, each call bounded in time."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from llm_core.aws.tracing import Span

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient

_BOUNDED = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=64,  # in `make run` all doors share these clients
)
"""Seconds. Three attempts of one call stay below nine seconds, backoff included."""

_HURRIED = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1}, max_pool_connections=64)
"""Seconds. For what a request can do without."""

_PATIENT_ONCE = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 1}, max_pool_connections=64
)
"""Seconds. For what nobody can take back and nobody should hear twice."""

_ONCE = _BOUNDED.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))
"""For conditional writes: whether one may be sent again, only its writer knows."""

FAILURES = (BotoCoreError, ClientError)
"""All that a call of any of these clients raises."""

_clients: dict[str, Any] = {}
_lock = Lock()  # boto3's default session may be used by one thread at a time


def _client(service: str, config: Config = _BOUNDED, name: str = "", endpoint: str | None = None) -> Any:
    name = name or service
    found = _clients.get(name)
    if found is None:
        with _lock:
            found = _clients.get(name) or boto3.client(  # type: ignore[call-overload]
                service, config=config, endpoint_url=endpoint
            )
            found.meta.events.register("before-call", _traced)
            found.meta.events.register("after-call", _answered)
            found.meta.events.register("after-call.dynamodb", _legible)
            found.meta.events.register("after-call-error", _failed)
            _clients[name] = found
    return found


def _traced(model: Any, params: Any, context: dict[str, Any], **_: Any) -> None:
    """Each call is a subsegment, and whom it reaches learns where in the trace it is."""
    span = Span(str(model.service_model.service_id), {"namespace": "aws"})
    if span.place is not None:
        context["drey_span"] = span
        params["headers"]["X-Amzn-Trace-Id"] = span.place.header


def _answered(http_response: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
    if span := context.get("drey_span"):
        status = http_response.status_code
        told = {"aws": {"operation": model.name}, "http": {"response": {"status": status}}}
        span.end(fault=status >= 500, error=400 <= status < 500, **told)


def _failed(context: dict[str, Any], **_: Any) -> None:
    if span := context.get("drey_span"):
        span.end(fault=True)


def _legible(http_response: Any, **_: Any) -> None:
    """A page for people with a 200, as a proxy on the way may send it, would be read as an item that is not there."""
    if not str(http_response.headers.get("content-type", "")).startswith("application/x-amz-json"):
        raise HTTPClientError(error="an answer that is not DynamoDB's")


def dynamodb() -> DynamoDBClient:
    client: DynamoDBClient = _client("dynamodb")
    return client


def cloudwatch() -> Any:
    return _client("cloudwatch")


def hurried_dynamodb() -> DynamoDBClient:
    """One attempt of a second, where an answer that is late is as good as none."""
    client: DynamoDBClient = _client("dynamodb", _HURRIED, "dynamodb hurried")
    return client


def dynamodb_once() -> DynamoDBClient:
    """It sends every request once."""
    client: DynamoDBClient = _client("dynamodb", _ONCE, "dynamodb once")
    return client


def ssm() -> SSMClient:
    client: SSMClient = _client("ssm")
    return client


def secretsmanager() -> SecretsManagerClient:
    client: SecretsManagerClient = _client("secretsmanager")
    return client


def s3() -> S3Client:
    client: S3Client = _client("s3")
    return client


def sns() -> SNSClient:
    client: SNSClient = _client("sns")
    return client


def scheduler() -> Any:
    """Of EventBridge."""
    return _client("scheduler")


def states() -> Any:
    """Of Step Functions."""
    return _client("stepfunctions")


def functions() -> Any:
    """Lambda's. One attempt of a second: an event that is taken twice is carried out twice."""
    return _client("lambda", _HURRIED)


def sockets(endpoint: str) -> Any:
    """Of a WebSocket API's connections. One attempt of five seconds: what is sent twice arrives twice."""
    return _client("apigatewaymanagementapi", _PATIENT_ONCE, f"sockets {endpoint}", endpoint)
