"""OpenAI Embeddings, as the openai SDK sends and reads it."""

from __future__ import annotations

import base64
import struct
from typing import Annotated, Any, Literal

from pydantic import Field

from llm_core import shapes
from llm_core.errors import InvalidRequest
from llm_core.gateway import Answer
from llm_core.messages import Embeddings
from llm_core.money import usd
from llm_core.shapes import Shape

MOST_INPUTS = 2048
"""OpenAI's own bound; a single list of tokens may be as long as the model's context."""

Token = Annotated[int, Field(ge=0)]


class Body(Shape):
    model: str
    input: str | list[str] | list[Token] | list[list[Token]]
    dimensions: Annotated[int, Field(ge=1)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None


def read(data: bytes) -> tuple[dict[str, Any], str]:
    """The body of POST /v1/embeddings as gateway.embed takes it, and the encoding the caller wants."""
    value = shapes.parse(data)
    given = value.get("input") if isinstance(value, dict) else None
    one_of_tokens = isinstance(given, list) and isinstance(next(iter(given), ""), int)
    if isinstance(given, list) and not one_of_tokens and not 1 <= len(given) <= MOST_INPUTS:
        sentence = f"input: at least 1 and at most {MOST_INPUTS} texts at a time, not {len(given)}."
        raise InvalidRequest(sentence, param="input")
    body = shapes.read(Body, value)
    asked = body.model_dump(exclude={"encoding_format"}, exclude_none=True)
    return asked, body.encoding_format or "float"


def write(answer: Answer[Embeddings], encoding: str) -> dict[str, Any]:
    """The vectors as numbers, or as base64 of little-endian 32-bit floats: the SDK asks for these by default."""
    rows = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if encoding == "base64" else vector}
        for index, vector in enumerate(answer.reply.vectors)
    ]
    tokens = answer.reply.usage.prompt
    usage = {"prompt_tokens": tokens, "total_tokens": tokens, "cost": float(usd(answer.call.charged))}
    return {"object": "list", "data": rows, "model": answer.model.model, "usage": usage}


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
