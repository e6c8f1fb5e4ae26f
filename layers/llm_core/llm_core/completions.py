"""The platform's own form of a completion, however it travels: what is asked, and the account of an answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from llm_core.catalog import Model
from llm_core.errors import InvalidRequest
from llm_core.messages import Finish, Message, Request, Text, Usage
from llm_core.money import usd
from llm_core.shapes import Shape

DEFAULT_MODEL = "generate"
"""A role of the catalog, for callers who name no model."""


class _Message(Shape):
    role: Literal["system", "user", "assistant"]
    content: str


class Completion(Shape):
    model: str | None = None
    messages: Annotated[list[_Message], Field(min_length=1)]
    maxTokens: Annotated[int, Field(ge=1)] | None = None  # noqa: N815 - the wire's own name
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    systemPrompt: str | None = None  # noqa: N815 - the wire's own name
    stream: bool | None = None


def asked(body: Completion) -> Request:
    """The request that it is. Raises InvalidRequest."""
    if all(each.role == "system" for each in body.messages):
        raise InvalidRequest("messages: at least one message must be the user's.", param="messages")
    system = [body.systemPrompt or "", *(each.content for each in body.messages if each.role == "system")]
    return Request(
        model=body.model or DEFAULT_MODEL,
        messages=tuple(Message(m.role, (Text(m.content),)) for m in body.messages if m.role != "system"),
        system="\n\n".join(text for text in system if text),
        max_tokens=body.maxTokens,
        temperature=body.temperature,
        stream=bool(body.stream),
    )


def account(model: Model, finish: Finish | None, usage: Usage | None, charged: int, latency_ms: int) -> dict[str, Any]:
    """What an answer says beside its id and its text; `charged` is nano-USD. Where the provider did not count, there is
    no count."""
    counted = {"inputTokens": usage.prompt, "outputTokens": usage.output, "totalTokens": usage.total} if usage else {}
    return {
        "model": model.model,
        "provider": model.provider,
        "finishReason": finish,
        "usage": {**counted, "estimatedCost": float(usd(charged))},
        "latencyMs": latency_ms,
    }
