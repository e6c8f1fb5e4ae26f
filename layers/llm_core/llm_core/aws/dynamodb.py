"""The three operations on one item that every paid call makes, sent without boto3's machinery around them.

A DynamoDB call is one POST of JSON with a signature. boto3 builds it from its service model, with validation, endpoint
rules and a parser, at near three times the processor that signing and sending take, and three such calls were half of
what the platform adds to a model's answer (docs/benchmarks/changes.md). Its client still says where to send, with whose
credentials and time-outs; botocore signs; hooks around a call are called; what fails raises what boto3 raises.
"""

from __future__ import annotations

import json
import random
import time
from typing import Any, Literal

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies

from llm_core.aws import clients

Operation = Literal["GetItem", "PutItem", "UpdateItem"]

_SERVICE = "dynamodb"
_PASSING = {
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionInProgressException",
}
_FIRST_PAUSE = 0.05
"""Seconds."""


class Direct:
    """Items as DynamoDB's JSON has them, without binary values. `attempts`: how often a call is sent at the most; the
    answer to one that was lost may never come, so a second attempt may find what the first has done."""

    def __init__(self, client: Any, attempts: int) -> None:
        self.client = client
        self._attempts = attempts
        self._url = client.meta.endpoint_url + "/"
        self._region = client.meta.region_name
        self._credentials = client._request_signer._credentials  # of its session; they renew themselves
        config = client.meta.config
        self._http = urllib3.PoolManager(
            maxsize=config.max_pool_connections,
            timeout=urllib3.Timeout(connect=config.connect_timeout, read=config.read_timeout),
            retries=False,
            ca_certs=get_cert_path(True),
        )
        # Where a proxy stands between, boto3 knows what to do.
        self._alone = not get_environ_proxies(self._url)

    def get_item(self, **asked: Any) -> Any:
        return self._repeated("GetItem", asked)

    def put_item(self, **asked: Any) -> Any:
        return self._repeated("PutItem", asked)

    def update_item(self, **asked: Any) -> Any:
        return self._repeated("UpdateItem", asked)

    def _repeated(self, operation: Operation, asked: dict[str, Any]) -> Any:
        """Raises ClientError or BotoCoreError."""
        if not self._alone:
            return self.client._make_api_call(operation, asked)
        for attempt in range(1, self._attempts + 1):
            try:
                return self._sent(operation, asked)
            except clients.FAILURES as error:
                if attempt == self._attempts or not _may_pass(error):
                    raise
                time.sleep(random.uniform(0, _FIRST_PAUSE * 2**attempt))  # noqa: S311 - no secret depends on it
        raise AssertionError("the last attempt returns or raises")

    def _sent(self, operation: Operation, asked: dict[str, Any]) -> Any:
        events, name = self.client.meta.events, f"dynamodb.{operation}"
        model = self.client.meta.service_model.operation_model(operation)
        body = json.dumps(asked).encode()
        headers = self._signed(operation, body)
        told: dict[str, Any] = {"headers": headers, "body": body}
        context: dict[str, Any] = {}  # one for all hooks of a call, which leave there what they need again
        events.emit(f"before-call.{name}", model=model, params=told, request_signer=None, context=context)
        try:
            response = self._http.request("POST", self._url, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            events.emit(f"after-call-error.{name}", exception=error, context=context)
            raise _named(error)(endpoint_url=self._url, error=error) from error
        parsed = _parsed(response, operation)
        told_back: Any = response.headers
        seen = AWSResponse(self._url, response.status, told_back, response)
        events.emit(f"after-call.{name}", http_response=seen, parsed=parsed, model=model, context=context)
        if response.status >= 300:
            raise ClientError(parsed, operation)
        return parsed

    def _signed(self, operation: Operation, body: bytes) -> dict[str, str]:
        """The headers of a request, signed by botocore."""
        told = {"x-amz-target": f"DynamoDB_20120810.{operation}", "content-type": "application/x-amz-json-1.0"}
        request = AWSRequest("POST", self._url, told, body)
        # Frozen, since they may be renewed between two looks at them; without any, botocore says so.
        frozen = self._credentials and self._credentials.get_frozen_credentials()
        SigV4Auth(frozen, _SERVICE, self._region).add_auth(request)
        return dict(request.headers.items())


def _named(error: urllib3.exceptions.HTTPError) -> type[BotoCoreError]:
    """As botocore calls it."""
    match error:
        case urllib3.exceptions.NewConnectionError():
            return EndpointConnectionError
        case urllib3.exceptions.ConnectTimeoutError():
            return ConnectTimeoutError
        case urllib3.exceptions.ReadTimeoutError():
            return ReadTimeoutError
        case urllib3.exceptions.ProtocolError():
            return ConnectionClosedError
        case _:
            return HTTPClientError


def _parsed(response: urllib3.BaseHTTPResponse, operation: Operation) -> Any:
    """The answer as boto3 tells it. Raises HTTPClientError for one that is not DynamoDB's."""
    metadata = {"HTTPStatusCode": response.status, "HTTPHeaders": response.headers, "RetryAttempts": 0}
    try:
        told: dict[str, Any] = json.loads(response.data)
        if response.status < 300:
            return {**told, "ResponseMetadata": metadata}
        code = str(told.pop("__type", response.status)).rpartition("#")[2]
        words = told.pop("message", "") or told.pop("Message", "")
    except (ValueError, TypeError, AttributeError) as error:
        if response.status >= 500:  # by something on the way
            told, code, words = {}, str(response.status), ""
        else:
            raise HTTPClientError(error=f"an answer to {operation} that is not DynamoDB's") from error
    return {**told, "Error": {"Code": code, "Message": words}, "ResponseMetadata": metadata}


def _may_pass(error: Exception) -> bool:
    """Whether the next attempt may end otherwise."""
    if not isinstance(error, ClientError):
        return True
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status >= 500 or status == 429 or error.response["Error"]["Code"] in _PASSING


_made: dict[bool, Direct] = {}


def direct() -> Direct:
    """Three attempts, as clients.dynamodb has them."""
    return _of(clients.dynamodb(), once=False)


def direct_once() -> Direct:
    """It sends every request once, as clients.dynamodb_once."""
    return _of(clients.dynamodb_once(), once=True)


def _of(client: Any, *, once: bool) -> Direct:
    found = _made.get(once)
    if found is None or found.client is not client:
        found = _made[once] = Direct(client, 1 if once else 3)
    return found
