"""The platform's own dialect, as its own client sends and reads it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from llm_core import shapes
from llm_core.call import Call
from llm_core.catalog import Model
from llm_core.errors import InvalidRequest
from llm_core.gateway import Answer
from llm_core.messages import Embeddings, Finish, Message, Reply, Request, Text, Usage
from llm_core.money import usd
from llm_core.shapes import Shape

DEFAULT_MODEL = "generate"
DEFAULT_EMBEDDER = "embed"
"""Roles of the catalog, for callers who name no model."""


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


class Embedding(Shape):
    model: str | None = None
    input: str | Annotated[list[str], Field(min_length=1, max_length=2048)]


def read(data: bytes) -> Request:
    """The body of POST /v1/complete as a request. Raises InvalidRequest, ParameterNotPriced."""
    body = shapes.read(Completion, shapes.parse(data))
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


def write(answer: Answer[Reply]) -> dict[str, Any]:
    reply = answer.reply
    text = "".join(part.text for part in reply.parts if isinstance(part, Text))
    return {"id": answer.call.id, "content": text, **account(answer.call, answer.model, reply.finish, reply.usage)}


def account(call: Call, model: Model, finish: Finish | None, usage: Usage | None) -> dict[str, Any]:
    """What an answer says beside its id and its text. Where the provider did not count, there is no count."""
    counted = {"inputTokens": usage.prompt, "outputTokens": usage.output, "totalTokens": usage.total} if usage else {}
    return {
        "model": model.model,
        "provider": model.provider,
        "finishReason": finish,
        "usage": {**counted, "estimatedCost": float(usd(call.charged))},
        "latencyMs": call.provider_ms,
    }


def read_embedding(data: bytes) -> dict[str, Any]:
    """The body of POST /v1/embed, as gateway.embed takes it. Raises InvalidRequest, ParameterNotPriced."""
    body = shapes.read(Embedding, shapes.parse(data))
    return {"model": body.model or DEFAULT_EMBEDDER, "input": body.input}


def write_embedding(answer: Answer[Embeddings]) -> dict[str, Any]:
    return {
        "embeddings": answer.reply.vectors,
        "model": answer.model.model,
        "provider": answer.model.provider,
        "usage": {"totalTokens": answer.reply.usage.total, "estimatedCost": float(usd(answer.call.charged))},
    }
