"""The tool that shortens a text, by a small model."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import Field

from agents.tools.tool import Context, tool
from llm_core.messages import Message, Request, Text
from llm_core.prompts.library import prompt

_ROLE = "fast"


@tool()
def summarize(
    context: Context,
    text: Annotated[str, Field(description="The whole text", min_length=1, max_length=100_000)],
    focus: Annotated[str, Field(description="What the reader wants to know, if anything in particular")] = "",
) -> str:
    """Shortens a text to one paragraph that says only what the text says."""
    task = json.dumps({"text": text, **({"focus": focus} if focus else {})}, ensure_ascii=False)
    question = (Message("user", (Text(task),)),)
    return context.ask(Request(_ROLE, question, system=prompt("summarize"), max_tokens=500))
