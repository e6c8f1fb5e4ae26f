"""HTTP request -> the event that an API Gateway REST API hands to a Lambda (proxy integration, payload 1.0)."""

import base64
import secrets
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from local.template import Opened

ACCOUNT = "000000000000"
API_ID = "local"

# These belong to one connection, not to the request, and API Gateway does not pass them on.
_HOP_BY_HOP = {"connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}


def proxy_event(
    request: Request,
    path: str,
    body: bytes,
    opened: Opened,
    stage: str,
    request_id: str,
    trace: str,
    claims: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The event for one request. `path`: within the stage, still percent-encoded, as REST APIs pass it.

    `trace`: its header of X-Ray. `claims`: those of the person whom an authorizer let pass.
    """
    now = datetime.now(UTC)
    host = request.client.host if request.client else "127.0.0.1"
    headers = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in request.headers.raw
        if name.decode("latin-1") not in _HOP_BY_HOP
    ]
    headers += [
        ("X-Amzn-Trace-Id", trace),
        ("X-Forwarded-For", ", ".join(filter(None, (request.headers.get("x-forwarded-for"), host)))),
        ("X-Forwarded-Port", str(request.url.port or 80)),
        ("X-Forwarded-Proto", "http"),
    ]
    headers = [
        pair for pair in headers if not (pair[0].islower() and pair[0].startswith(("x-forwarded-", "x-amzn-trace-id")))
    ]
    query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    text, encoded = _text(body)
    return {
        "resource": opened.route.path,
        "path": path,
        "httpMethod": request.method,
        "headers": dict(headers),  # of several values the last one, as there
        "multiValueHeaders": _grouped(headers),
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _grouped(query) or None,
        "pathParameters": opened.parameters or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API_ID,
            "resourceId": opened.route.path,
            "resourcePath": opened.route.path,
            "httpMethod": request.method,
            "path": f"/{stage}{path}",
            "stage": stage,
            "protocol": f"HTTP/{request.scope.get('http_version', '1.1')}",
            "domainName": request.headers.get("host", "localhost"),
            "domainPrefix": "localhost",
            "requestId": request_id,
            "extendedRequestId": secrets.token_urlsafe(12),
            "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": int(time.time() * 1000),
            **({} if claims is None else {"authorizer": {"claims": claims}}),
            "identity": {
                "sourceIp": host,
                "userAgent": request.headers.get("user-agent"),
                "accountId": None,
                "accessKey": None,
                "apiKey": None,
                "caller": None,
                "cognitoAuthenticationProvider": None,
                "cognitoAuthenticationType": None,
                "cognitoIdentityId": None,
                "cognitoIdentityPoolId": None,
                "principalOrgId": None,
                "user": None,
                "userArn": None,
            },
        },
        "body": text,
        "isBase64Encoded": encoded,
    }


def _text(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
    try:
        return body.decode("utf-8"), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), True


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups
