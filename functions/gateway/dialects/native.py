"""The platform's own dialect, as its own client sends and reads it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from llm_core import completions, shapes
from llm_core.call import Call
from llm_core.catalog import Model
from llm_core.gateway import Answer
from llm_core.messages import Embeddings, Finish, Reply, Request, Text, Usage
from llm_core.money import usd
from llm_core.shapes import Shape

DEFAULT_EMBEDDER = "embed"
"""A role of the catalog, for callers who name no model."""


class Embedding(Shape):
    model: str | None = None
    input: str | Annotated[list[str], Field(min_length=1, max_length=2048)]


def read(data: bytes) -> Request:
    """The body of POST /v1/complete as a request. Raises InvalidRequest, ParameterNotPriced."""
    return completions.asked(shapes.read(completions.Completion, shapes.parse(data)))


def write(answer: Answer[Reply]) -> dict[str, Any]:
    reply = answer.reply
    text = "".join(part.text for part in reply.parts if isinstance(part, Text))
    return {"id": answer.call.id, "content": text, **account(answer.call, answer.model, reply.finish, reply.usage)}


def account(call: Call, model: Model, finish: Finish | None, usage: Usage | None) -> dict[str, Any]:
    """What an answer says beside its id and its text."""
    return completions.account(model, finish, usage, call.charged, call.provider_ms)


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
