"""The tool that chooses one of some labels for a text, by a small model."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agents.tools.tool import Context, ToolError, tool
from llm_core import classification

Label = Annotated[str, Field(min_length=1, max_length=200)]


@tool()
def classify(
    context: Context,
    text: Annotated[str, Field(description="The whole text", min_length=1, max_length=100_000)],
    labels: Annotated[list[Label], Field(description="The labels to choose from", min_length=2, max_length=100)],
) -> dict[str, Any]:
    """Chooses the one label that fits a text best, and says how sure it is (0 to 1)."""
    said = context.ask(classification.asked(text, labels, model="classify", max_tokens=300))
    label, confidence = classification.named(said, labels)
    if label is None:
        raise ToolError("None of the labels was chosen.")
    return {"label": label, "confidence": confidence}
