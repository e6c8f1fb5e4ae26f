"""A text and some labels as a question to a model, and the label in its answer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from math import isfinite
from typing import Any

from llm_core.messages import Message, Output, Reply, Request, Text
from llm_core.prompts.library import prompt

_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


def asked(text: str, labels: Sequence[str], *, model: str, max_tokens: int) -> Request:
    """`model` may be a role. The text is data: what it asks for is not done."""
    task = json.dumps({"labels": list(labels), "text": text}, ensure_ascii=False)
    return Request(
        model=model,
        messages=(Message("user", (Text(task),)),),
        system=prompt("classify"),
        max_tokens=max_tokens,
        output=Output("classification", _schema(labels)),
    )


def _schema(labels: Sequence[str]) -> dict[str, Any]:
    properties = {"label": {"type": "string", "enum": list(labels)}, "confidence": {"type": "number"}}
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def chosen(reply: Reply, labels: Sequence[str]) -> tuple[str | None, float]:
    """The label, None where there is none, and how sure the model is (0 to 1)."""
    if reply.finish == "refusal":
        return None, 0.0
    return named("".join(part.text for part in reply.parts if isinstance(part, Text)), labels)


def named(text: str, labels: Sequence[str]) -> tuple[str | None, float]:
    """The same of what a model said. JSON with words around it and another case are forgiven."""
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
