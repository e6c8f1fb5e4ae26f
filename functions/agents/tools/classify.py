"""The tool that chooses one of some labels for a text, by a small model."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field

from agents.tools.tool import Context, ToolError, tool
from llm_core.messages import Message, Output, Request, Text
from llm_core.prompts.library import prompt

_ROLE = "classify"

Label = Annotated[str, Field(min_length=1, max_length=200)]


@tool()
def classify(
    context: Context,
    text: Annotated[str, Field(description="The whole text", min_length=1, max_length=100_000)],
    labels: Annotated[list[Label], Field(description="The labels to choose from", min_length=2, max_length=100)],
) -> dict[str, Any]:
    """Chooses the one label that fits a text best, and says how sure it is (0 to 1)."""
    properties = {"label": {"type": "string", "enum": labels}, "confidence": {"type": "number"}}
    output = Output("classification", {"type": "object", "properties": properties, "required": [*properties]})
    question = (Message("user", (Text(json.dumps({"labels": labels, "text": text}, ensure_ascii=False)),)),)
    said = context.ask(Request(_ROLE, question, system=prompt("classify"), max_tokens=300, output=output))
    try:
        told = json.loads(said)
        label, confidence = told["label"], float(told["confidence"])
    except (KeyError, TypeError, ValueError) as error:
        raise ToolError("No label was chosen.") from error
    if label not in labels:
        raise ToolError("None of the labels was chosen.")
    return {"label": label, "confidence": min(max(confidence, 0.0), 1.0)}
