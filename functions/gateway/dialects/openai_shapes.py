"""OpenAI Chat Completions: the request's shape, as far as it is served."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from llm_core.shapes import Shape


class TextPart(Shape):
    type: Literal["text"]
    text: str


class RefusalPart(Shape):
    type: Literal["refusal"]
    refusal: str


class ImageUrl(Shape):
    url: str
    detail: Literal["auto", "low", "high"] | None = None


class ImagePart(Shape):
    type: Literal["image_url"]
    image_url: ImageUrl


UserPart = Annotated[TextPart | ImagePart, Field(discriminator="type")]
AssistantPart = Annotated[TextPart | RefusalPart, Field(discriminator="type")]


class Instruction(Shape):
    role: Literal["system", "developer"]
    content: str | list[TextPart]
    name: str | None = None


class User(Shape):
    role: Literal["user"]
    content: str | list[UserPart]
    name: str | None = None


class CalledFunction(Shape):
    name: str
    arguments: str


class Call(Shape):
    id: str
    type: Literal["function"]
    function: CalledFunction


class Assistant(Shape):
    role: Literal["assistant"]
    content: str | list[AssistantPart] | None = None
    refusal: str | None = None
    tool_calls: list[Call] | None = None
    name: str | None = None


class ToolMessage(Shape):
    role: Literal["tool"]
    tool_call_id: str
    content: str | list[TextPart]


AnyMessage = Annotated[Instruction | User | Assistant | ToolMessage, Field(discriminator="role")]


class Function(Shape):
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool | None = None


class Tool(Shape):
    type: Literal["function"]
    function: Function


class Named(Shape):
    name: str


class Forced(Shape):
    type: Literal["function"]
    function: Named


class Body(Shape):
    model: str
    messages: Annotated[list[AnyMessage], Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    stop: str | list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["auto", "none", "required"] | Forced | None = None
    parallel_tool_calls: bool | None = None
    user: str | None = None
    safety_identifier: str | None = None
