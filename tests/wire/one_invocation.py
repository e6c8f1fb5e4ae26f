"""A door in a fresh process, as Lambda would run it: one event in; logs, `CALLS [...]` to AWS and `ANSWER {...}` out.

python one_invocation.py gateway.chat event.json [MILLISECONDS_LEFT]
"""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.client import BaseClient

from llm_core.aws.dynamodb import Direct


class Context:
    function_name = "door"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:eu-west-1:000000000000:function:door"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return int(left[0]) if left else 20_000


calls: list[dict[str, Any]] = []
"""What it asked of AWS, as boto3 names it: {service, operation, parameters}."""


def _remembered(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
    service = client.meta.service_model.service_name
    calls.append({"service": service, "operation": operation, "parameters": parameters})
    return _asked(client, operation, parameters)


_asked = BaseClient._make_api_call  # type: ignore[attr-defined]
BaseClient._make_api_call = _remembered  # type: ignore[attr-defined]


def _remembered_too(direct: Direct, operation: Any, parameters: dict[str, Any]) -> Any:
    calls.append({"service": "dynamodb", "operation": operation, "parameters": parameters})
    return _sent(direct, operation, parameters)


_sent = Direct._sent
Direct._sent = _remembered_too  # type: ignore[assignment, method-assign]

module, event, *left = sys.argv[1:]
answer = importlib.import_module(module).handler(json.loads(Path(event).read_text()), Context())
if answer and isinstance(answer.get("body"), Iterator):  # a stream: to its end
    answer["body"] = b"".join(answer["body"]).decode()
print("CALLS " + json.dumps(calls, default=str))  # noqa: T201 - its output is its purpose
print("ANSWER " + json.dumps(answer))  # noqa: T201 - its output is its purpose
