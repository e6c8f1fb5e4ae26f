"""What GET /v1/openapi.json tells: the routes with the shapes that their doors really read."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway import classification
from gateway.dialects import anthropic_shapes, native, openai_embeddings, openai_responses_shapes, openai_shapes
from llm_core import completions, demo_shapes, key_shapes, post_shapes, saying_shapes
from llm_core.runs import shapes as run_shapes

ROUTES: tuple[tuple[str, str, str, type[BaseModel] | None], ...] = (
    ("post", "/v1/chat/completions", "One answer of a model, in OpenAI's dialect", openai_shapes.Body),
    ("post", "/v1/responses", "One answer of a model, in OpenAI's newer dialect", openai_responses_shapes.Body),
    ("post", "/v1/messages", "One answer of a model, in Anthropic's dialect", anthropic_shapes.Body),
    ("post", "/v1/messages/count_tokens", "Tokens of a prompt, free of charge", anthropic_shapes.Prompt),
    ("post", "/v1/complete", "One answer of a model", completions.Completion),
    ("post", "/v1/stream", "One answer of a model, while it is written", completions.Completion),
    ("post", "/v1/classify", "The label that fits a text", classification.Body),
    ("post", "/v1/embeddings", "Vectors of texts, in OpenAI's dialect", openai_embeddings.Body),
    ("post", "/v1/embed", "Vectors of texts", native.Embedding),
    ("get", "/v1/models", "What can be asked, and what it costs", None),
    ("get", "/v1/models/{id}", "One model", None),
    ("get", "/v1/key", "What the key that asks may, and has spent", None),
    ("post", "/v1/auth/keys", "A new key below the one that asks, shown this once", key_shapes.NewKey),
    ("get", "/v1/auth/keys", "The key that asks and all below it", None),
    ("get", "/v1/auth/keys/{id}", "One of them, with what it has spent", None),
    ("patch", "/v1/auth/keys/{id}", "What is different about it from now on", key_shapes.KeyChange),
    ("delete", "/v1/auth/keys/{id}", "The end of it and of all below it", None),
    ("post", "/v1/auth/keys/{id}/rotate", "Another secret for it, shown this once", None),
    (
        "put",
        "/v1/auth/keys/{id}/providers/{provider}",
        "A provider's key of one's own for all calls of this key",
        key_shapes.ProviderKey,
    ),
    ("delete", "/v1/auth/keys/{id}/providers/{provider}", "No more of it", None),
    ("get", "/v1/usage", "What was used and what it cost", None),
    ("get", "/v1/usage/budget", "What may still be spent, and whose money it is", None),
    ("put", "/v1/usage/budget", "Another budget", key_shapes.Budget),
    ("get", "/v1/generations/{id}", "One call with all its attempts", None),
    ("delete", "/v1/generations/{id}", "The end of an answer that is being streamed", None),
    ("post", "/public/demo/summarize", "A summary, for anybody", demo_shapes.Summarize),
    ("post", "/public/demo/classify", "A label, for anybody", demo_shapes.Classify),
    ("post", "/public/demo/complete", "A short answer, for anybody", demo_shapes.Complete),
    ("get", "/sayings", "A saying about a service of AWS, and who wrote it", None),
    ("post", "/feedback", "A thumb up or down for it", saying_shapes.Feedback),
    ("get", "/sayings/stats", "How the models that write them are liked", None),
    ("get", "/blog", "What is published, newest first", None),
    ("get", "/blog/rss.xml", "The latest posts, for feed readers", None),
    ("get", "/blog/sitemap.xml", "All posts, for search engines", None),
    ("get", "/blog/{postId}", "One post", None),
    ("post", "/blog", "A new post", post_shapes.NewPost),
    ("put", "/blog/{postId}", "A post changed", post_shapes.PostChange),
    ("delete", "/blog/{postId}", "The end of a post", None),
    ("post", "/agent/generate", "An agent writes or revises a post, for a person to approve", post_shapes.Generate),
    ("get", "/agent/status/{taskId}", "How that stands, and what was written", None),
    ("post", "/agent/approve/{taskId}", "It is published", None),
    ("post", "/agent/reject/{taskId}", "It is not", post_shapes.Rejection),
    ("post", "/agent/schedule", "When a post will be published", post_shapes.Schedule),
    ("get", "/agent/posts", "Posts that nobody else sees yet", None),
    ("get", "/agent/posts/{postId}", "One post as its writers see it, in any version", None),
    ("post", "/v1/agents/run", "An agent at work; its answer, if it has one within 20 s", run_shapes.NewRun),
    ("post", "/v1/agents/stream", "An agent at work, step by step", run_shapes.NewRun),
    ("get", "/v1/agents/runs", "The runs of one's agents", None),
    ("get", "/v1/agents/runs/{id}", "One run with its steps", None),
    ("post", "/v1/agents/runs/{id}/cancel", "The end of it", None),
    ("post", "/v1/agents/runs/{id}/approve", "A person allows what it asks", run_shapes.Word),
    ("post", "/v1/agents/runs/{id}/reject", "A person does not", run_shapes.Word),
    ("post", "/v1/live/ticket", "A ticket that opens the live socket once, within a minute", None),
    ("get", "/v1/tools", "What agents may use, and which there are", None),
    ("get", "/admin/usage", "What all users have used, or one of them", None),
    (
        "get",
        "/admin/budgets",
        "What every account with a limit may still spend, and what the month will have cost",
        None,
    ),
    ("get", "/admin/keys", "All keys", None),
    ("post", "/admin/keys", "A new key of a user, shown this once", key_shapes.KeyOfUser),
    ("post", "/admin/keys/{id}/rotate", "Another secret for a key, shown this once", None),
    ("delete", "/admin/keys/{id}", "The end of a key and of all below it", None),
    ("get", "/admin/live", "What is at work this moment", None),
    ("get", "/admin/health", "How well the platform is", None),
    ("get", "/v1/openapi.json", "This description", None),
    ("get", "/health", "Whether the platform is alive", None),
    ("get", "/v1/health", "Whether the platform is alive", None),
)
FOR_READERS = {("get", "/blog"), ("get", "/blog/rss.xml"), ("get", "/blog/sitemap.xml"), ("get", "/blog/{postId}")}
FOR_PEOPLE = ("/blog", "/agent/", "/admin/")
"""Where somebody signs in instead of sending a key."""
WITHOUT_A_KEY = {"/v1/openapi.json", "/health", "/v1/health"}
_REFERENCE = "#/components/schemas/{model}"


def describe(version: str) -> dict[str, Any]:
    """An OpenAPI 3.1 document."""
    shapes: list[type[BaseModel]] = [shape for *_, shape in ROUTES if shape]
    named, schemas = models_json_schema([(shape, "validation") for shape in shapes], ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for method, path, summary, shape in ROUTES:
        operation: dict[str, Any] = {"summary": summary, "responses": {"2XX": {"description": "OK"}}}
        if shape:
            content = {"application/json": {"schema": named[shape, "validation"]}}
            operation["requestBody"] = {"required": True, "content": content}
        if named_parts := re.findall(r"{(\w+)}", path):
            operation["parameters"] = [
                {"name": part, "in": "path", "required": True, "schema": {"type": "string"}} for part in named_parts
            ]
        if path in WITHOUT_A_KEY or (method, path) in FOR_READERS or path.startswith("/public/"):
            operation["security"] = []
        elif path.startswith(FOR_PEOPLE):
            operation["security"] = [{"person": []}]
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
                "person": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
    }
