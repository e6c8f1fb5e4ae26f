"""A model as the judge of an answer, by a rubric: asked with our prompt `judge`, by the role of that name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from llm_core.messages import Message, Output, Request, Text
from llm_core.prompts.library import prompt
from operations.checks import Told

ROLE = "judge"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "passes": {"type": "boolean"}},
    "required": ["reason", "passes"],
    "additionalProperties": False,
}
"""The reason comes first: who has to give one before deciding, decides better."""


@dataclass(frozen=True, slots=True)
class Verdict:
    passes: bool
    reason: str


def request(task: str, answer: str, rubric: str, model: str = ROLE) -> Request:
    """The question to the judge whether an answer to a task is what the rubric says."""
    shown = json.dumps({"task": task, "answer": answer, "rubric": rubric}, ensure_ascii=False)
    return Request(
        model=model,
        messages=(Message("user", (Text(shown),)),),
        system=prompt(ROLE),
        max_tokens=400,
        output=Output("verdict", SCHEMA),
    )


def verdict(told: Told) -> Verdict:
    """What the judge said. Whoever says nothing legible has not let anything pass."""
    said = told.json
    return Verdict(said.get("passes") is True, str(said.get("reason", "the judge gave no legible verdict")))
