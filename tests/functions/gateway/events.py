"""The events in events/, sent to a door in this process: with a real key, other headers, other fields in the body."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.conftest import ROOT


class Context:
    """What Lambda tells a function about its invocation."""

    function_name = "door"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:eu-west-1:000000000000:function:door"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 25_000


@dataclass(frozen=True)
class Send:
    """Send a case's event to the door: `chat-hello` is events/gateway/chat-hello.json."""

    handler: Callable[[dict[str, Any], Any], dict[str, Any]]
    key: str

    def event(self, case: str) -> dict[str, Any]:
        event: dict[str, Any] = json.loads((ROOT / f"events/gateway/{case}.json").read_text())
        return event

    def __call__(
        self, case: str, *, key: str | None = None, headers: dict[str, str] | None = None, **fields: Any
    ) -> dict[str, Any]:
        event = self.event(case)
        if "Authorization" in event["headers"]:
            event["headers"]["Authorization"] = f"Bearer {key or self.key}"
        if "x-api-key" in event["headers"]:
            event["headers"]["x-api-key"] = key or self.key
        event["headers"] |= headers or {}
        event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
        if fields:
            event["body"] = json.dumps(json.loads(event["body"]) | fields)
        answer = self.handler(event, Context())
        several = answer.get("multiValueHeaders") or {}
        answer["headers"] = answer.get("headers") or {name: values[-1] for name, values in several.items()}
        return answer


def sender(handler: Callable[[dict[str, Any], Any], dict[str, Any]], key: str) -> Send:
    return Send(handler, key)


def body(answer: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(answer["body"])
    return told
