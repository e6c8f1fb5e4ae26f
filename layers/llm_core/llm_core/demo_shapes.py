"""What anybody may send to the public demos, for their door and for the description of the API."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from llm_core.shapes import Shape

MOST_BYTES = 4_096
"""Of a whole request, as UTF-8."""


def _words(text: str) -> str:
    if not text.strip():
        raise ValueError("say something")
    return text


Words = Annotated[str, AfterValidator(_words)]


class Summarize(Shape):
    text: Words


class Classify(Shape):
    text: Words
    labels: Annotated[list[Annotated[str, Field(min_length=1, max_length=60)]], Field(min_length=2, max_length=10)]


class Complete(Shape):
    prompt: Words
