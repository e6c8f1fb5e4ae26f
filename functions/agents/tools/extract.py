"""The tool that takes facts out of a text into a given JSON schema, by a small model."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field

from agents.tools.tool import Context, ToolError, tool
from llm_core.messages import Message, Output, Request, Text
from llm_core.prompts.library import prompt

_ROLE = "fast"


@tool()
def extract(
    context: Context,
    text: Annotated[str, Field(description="The whole text", min_length=1, max_length=100_000)],
    schema: Annotated[
        dict[str, Any], Field(description="JSON schema of an object with the facts that are wanted; {} for any")
    ],
) -> dict[str, Any]:
    """Takes facts out of a text and puts them into a JSON schema; what the text does not say is null."""
    if schema.get("type", "object") != "object":
        raise ToolError("The schema must be of an object.")
    wanted = {"type": "object", **schema} if schema else None
    question = (Message("user", (Text(json.dumps({"schema": schema, "text": text}, ensure_ascii=False)),)),)
    output = Output("facts", wanted)
    said = context.ask(Request(_ROLE, question, system=prompt("extract"), max_tokens=2_000, output=output))
    try:
        facts = json.loads(said)
    except ValueError as error:
        raise ToolError("The facts did not come as JSON. Ask for fewer.") from error
    if not isinstance(facts, dict):
        raise ToolError("The facts did not come as an object.")
    return facts
