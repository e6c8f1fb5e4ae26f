"""What API Gateway answers by itself: refusals in the shape of the template's GatewayResponses, and CORS preflights."""

import json
from typing import Any

from starlette.responses import Response

from local.template import Template

# type: (status, message), as API Gateway has them
_TYPES = {
    "MISSING_AUTHENTICATION_TOKEN": (403, "Missing Authentication Token"),  # its words for: no such route
    "UNAUTHORIZED": (401, "Unauthorized"),
    "REQUEST_TOO_LARGE": (413, "Request Too Long"),
    "INTEGRATION_TIMEOUT": (504, "Endpoint request timed out"),
    "INTEGRATION_FAILURE": (502, "Internal server error"),
}
_PLAIN = '{"message":$context.error.messageString}'


def refusal(template: Template, kind: str, request_id: str, words: str = "") -> Response:
    """A gateway response of one type (`INTEGRATION_TIMEOUT`), rendered by the template or as API Gateway's own."""
    status, message = _TYPES[kind]
    message = words or message
    declared: dict[str, Any] = template.api.get("GatewayResponses", {})
    shape = declared.get(kind) or declared.get(f"DEFAULT_{status // 100}XX") or {}
    values = {
        "$context.error.messageString": json.dumps(message),
        "$context.error.message": message,
        "$context.error.responseType": kind,
        "$context.requestId": request_id,
    }
    media_type, body = next(iter(shape.get("ResponseTemplates", {}).items()), ("application/json", _PLAIN))
    for name, value in values.items():
        body = body.replace(name, value)
    headers = {"x-amzn-requestid": request_id, "x-amzn-errortype": kind}
    for name, value in shape.get("ResponseParameters", {}).get("Headers", {}).items():
        resolved = str(template.resolve(value))
        headers[name] = values.get(f"${resolved}", resolved.strip("'"))
    return Response(body, int(shape.get("StatusCode", status)), headers, media_type)


def preflight(template: Template, request_id: str) -> Response:
    """The answer to OPTIONS, from the API's `Cors` property."""
    cors = template.resolve(template.api.get("Cors", {}))
    if isinstance(cors, str):
        cors = {"AllowOrigin": cors}
    names = {"AllowOrigin": "Origin", "AllowMethods": "Methods", "AllowHeaders": "Headers"}
    headers = {f"Access-Control-Allow-{names[k]}": str(v).strip("'") for k, v in cors.items() if k in names}
    if "MaxAge" in cors:
        headers["Access-Control-Max-Age"] = str(cors["MaxAge"]).strip("'")
    if cors.get("AllowCredentials"):
        headers["Access-Control-Allow-Credentials"] = "true"
    return Response(status_code=200, headers={**headers, "x-amzn-requestid": request_id}, media_type="application/json")
