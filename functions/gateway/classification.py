"""One text, some labels: the label that a model chooses, never anything else."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from llm_core import classification, shapes
from llm_core.errors import InvalidRequest
from llm_core.failures import ProviderFailed
from llm_core.gateway import Answer
from llm_core.messages import Reply, Request
from llm_core.money import plain, usd
from llm_core.shapes import Shape

DEFAULT_MODEL = "classify"
MOST_TOKENS = 300


class Body(Shape):
    model: str | None = None
    input: Annotated[str, Field(min_length=1)]
    labels: Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=2, max_length=100)]


def read(data: bytes) -> tuple[Request, list[str]]:
    """The body of POST /v1/classify as a request, and its labels. Raises InvalidRequest, ParameterNotPriced."""
    body = shapes.read(Body, shapes.parse(data))
    if len(set(body.labels)) < len(body.labels):
        raise InvalidRequest("labels: a label stands there twice.", param="labels")
    model = body.model or DEFAULT_MODEL
    return classification.asked(body.input, body.labels, model=model, max_tokens=MOST_TOKENS), body.labels


def write(answer: Answer[Reply], labels: list[str]) -> dict[str, Any]:
    """`{label, confidence, scores, model, provider, usage, latencyMs}`. Raises ProviderFailed when no label came."""
    label, confidence = classification.chosen(answer.reply, labels)
    if label is None:
        sentence = f"{answer.model.name} chose none of the labels."
        failed = ProviderFailed(sentence, provider=answer.model.provider, status=200)
        failed.details = {"cost": plain(answer.call.charged)}
        failed.retryable = False  # it was paid for; the same question may get the same answer
        raise failed
    usage = answer.reply.usage
    return {
        "label": label,
        "confidence": confidence,
        "scores": {label: confidence},
        "model": answer.model.model,
        "provider": answer.model.provider,
        "usage": {"totalTokens": usage.total, "estimatedCost": float(usd(answer.call.charged))},
        "latencyMs": answer.call.provider_ms,
    }
