"""What GET /v1/openapi.json tells: the gateway's routes with the shapes that their doors really read."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway import classification
from gateway.dialects import anthropic_shapes, native, openai_embeddings, openai_shapes

ROUTES: tuple[tuple[str, str, str, type[BaseModel] | None], ...] = (
    ("post", "/v1/chat/completions", "One answer of a model, in OpenAI's dialect", openai_shapes.Body),
    ("post", "/v1/messages", "One answer of a model, in Anthropic's dialect", anthropic_shapes.Body),
    ("post", "/v1/messages/count_tokens", "Tokens of a prompt, free of charge", anthropic_shapes.Prompt),
    ("post", "/v1/complete", "One answer of a model", native.Completion),
    ("post", "/v1/classify", "The label that fits a text", classification.Body),
    ("post", "/v1/embeddings", "Vectors of texts, in OpenAI's dialect", openai_embeddings.Body),
    ("post", "/v1/embed", "Vectors of texts", native.Embedding),
    ("get", "/v1/models", "What can be asked, and what it costs", None),
    ("get", "/v1/models/{id}", "One model", None),
    ("get", "/v1/openapi.json", "This description", None),
    ("get", "/health", "Whether the platform is alive", None),
    ("get", "/v1/health", "Whether the platform is alive", None),
)
_OPEN = {"/v1/openapi.json", "/health", "/v1/health"}
_REFERENCE = "#/components/schemas/{model}"


def describe(version: str) -> dict[str, Any]:
    """An OpenAPI 3.1 document."""
    shapes: list[type[BaseModel]] = [shape for *_, shape in ROUTES if shape]
    named, schemas = models_json_schema([(shape, "validation") for shape in shapes], ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for method, path, summary, shape in ROUTES:
        operation: dict[str, Any] = {"summary": summary, "responses": {"200": {"description": "OK"}}}
        if shape:
            content = {"application/json": {"schema": named[shape, "validation"]}}
            operation["requestBody"] = {"required": True, "content": content}
        if named_parts := re.findall(r"{(\w+)}", path):
            operation["parameters"] = [
                {"name": part, "in": "path", "required": True, "schema": {"type": "string"}} for part in named_parts
            ]
        if path in _OPEN:
            operation["security"] = []
        paths.setdefault(path, {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Drey", "version": version},
        "security": [{"bearer": []}, {"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }
