"""A tool as a Lambda of its own: arguments in, its result out, on the account of a key."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from agents.tools.tool import Context, Document, Tool, ToolError
from llm_core import callers, shapes
from llm_core.aws import telemetry
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.errors import DreyError
from llm_core.messages import Request
from llm_core.money import usd

_SECONDS_KEPT = 5.0


class Text(BaseModel):
    """A document to search."""

    model_config = ConfigDict(strict=True, extra="forbid")

    title: str = "untitled"
    text: str


class Event(BaseModel):
    """`keyId` is the public part of the key whose budgets pay; who may invoke the function is IAM's to say."""

    model_config = ConfigDict(strict=True, extra="forbid")

    keyId: str  # noqa: N815 - as everywhere on the wire
    arguments: dict[str, Any]
    documents: list[Text] = Field(default_factory=list)


class Asking(Protocol):
    """A model that is asked, and what that was charged: nano-USD."""

    charged: int

    def __call__(self, request: Request, /) -> str: ...


class Nobody:
    """For a tool that asks no model."""

    charged = 0

    def __init__(self, caller: Caller, deadline: Deadline) -> None: ...

    def __call__(self, _: Request, /) -> str:
        raise ToolError("There is no model to ask.")


def door(
    tool: Tool, asking: Callable[[Caller, Deadline], Asking] = Nobody
) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The handler: `{result}` or `{error, code}`, with `cost` (USD) and `durationMs`."""

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        if event.get("warmup"):
            return {}
        with telemetry.request(request_id=context.aws_request_id):
            deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000 - _SECONDS_KEPT)
            return _answered(tool, asking, event, deadline)

    return handler


def _answered(
    tool: Tool, asking: Callable[[Caller, Deadline], Asking], event: dict[str, Any], deadline: Deadline
) -> dict[str, Any]:
    began, charged = time.perf_counter(), 0
    told: dict[str, Any]
    try:
        read = shapes.read(Event, event)
        caller = callers.vouched(read.keyId)
        ask = asking(caller, deadline)
        documents = [Document(each.title, each.text) for each in read.documents]
        try:
            told = {"result": tool(Context(caller, deadline, ask, documents), read.arguments)}
        finally:
            charged = ask.charged
    except ToolError as error:
        told = {"error": str(error), "code": "tool_error"}
    except DreyError as error:
        if error.retryable:
            raise
        told = {"error": error.message, "code": error.code}
    took = round((time.perf_counter() - began) * 1000)
    return {**told, "cost": float(usd(charged)), "durationMs": took}
