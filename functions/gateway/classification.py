"""One text, some labels: the label that a model chooses, never anything else."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Annotated, Any

from pydantic import Field

from llm_core import shapes
from llm_core.errors import InvalidRequest
from llm_core.failures import ProviderFailed
from llm_core.gateway import Answer
from llm_core.messages import Message, Output, Reply, Request, Text
from llm_core.money import plain, usd
from llm_core.prompts.library import prompt
from llm_core.shapes import Shape

DEFAULT_MODEL = "classify"

_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


class Body(Shape):
    model: str | None = None
    input: Annotated[str, Field(min_length=1)]
    labels: Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=2, max_length=100)]


def read(data: bytes) -> tuple[Request, list[str]]:
    """The body of POST /v1/classify as a request, and its labels. Raises InvalidRequest, ParameterNotPriced."""
    body = shapes.read(Body, shapes.parse(data))
    if len(set(body.labels)) < len(body.labels):
        raise InvalidRequest("labels: a label stands there twice.", param="labels")
    task = json.dumps({"labels": body.labels, "text": body.input}, ensure_ascii=False)
    request = Request(
        model=body.model or DEFAULT_MODEL,
        messages=(Message("user", (Text(task),)),),
        system=prompt("classify"),
        max_tokens=300,
        output=Output("classification", _schema(body.labels)),
    )
    return request, body.labels


def _schema(labels: list[str]) -> dict[str, Any]:
    properties = {"label": {"type": "string", "enum": labels}, "confidence": {"type": "number"}}
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def write(answer: Answer[Reply], labels: list[str]) -> dict[str, Any]:
    """`{label, confidence, scores, model, provider, usage, latencyMs}`. Raises ProviderFailed when no label came."""
    text = "".join(part.text for part in answer.reply.parts if isinstance(part, Text))
    label, confidence = _chosen(text, labels)
    if label is None or answer.reply.finish == "refusal":
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


def _chosen(text: str, labels: list[str]) -> tuple[str | None, float]:
    """The label and how sure the model is (0 to 1). JSON with words around it and another case are forgiven."""
    found = _OBJECT.search(text)
    try:
        told = json.loads(found[0]) if found else {"label": text.strip().strip(".\"'")}
    except (RecursionError, ValueError):
        return None, 0.0
    label = str(told.get("label", "")) if isinstance(told, dict) else ""
    by_case = {each.casefold(): each for each in labels}
    confidence = told.get("confidence") if isinstance(told, dict) else None
    sure = 0.0
    if isinstance(confidence, int | float) and not isinstance(confidence, bool) and isfinite(confidence):
        sure = min(max(float(confidence), 0.0), 1.0)
    return (label if label in labels else by_case.get(label.casefold())), sure
