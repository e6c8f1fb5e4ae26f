"""OpenAI Chat Completions: the request's shape, as far as it is served."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from llm_core.shapes import Shape, not_priced


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


class File(Shape):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class FilePart(Shape):
    type: Literal["file"]
    file: File


UserPart = Annotated[TextPart | ImagePart | FilePart, Field(discriminator="type")]
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


class Assistant(BaseModel):
    """What a model said before. It comes back as its provider wrote it, so what is new in it may stay.

    Audio may not: it is a reference to tokens that nobody here sees or prices. Nor may the old `function_call`.
    """

    model_config = ConfigDict(strict=True, extra="allow", frozen=True, hide_input_in_errors=True)

    role: Literal["assistant"]
    content: str | list[AssistantPart] | None = None
    refusal: str | None = None
    tool_calls: list[Call] | None = None

    @model_validator(mode="after")
    def _nothing_unheard(self) -> Self:
        for name in ("audio", "function_call"):
            if (self.model_extra or {}).get(name) is not None:
                raise not_priced(name)
        return self


class ToolMessage(Shape):
    role: Literal["tool"]
    tool_call_id: str
    content: str | list[TextPart]


AnyMessage = Annotated[Instruction | User | Assistant | ToolMessage, Field(discriminator="role")]


FunctionName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


class Function(Shape):
    name: FunctionName
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool | None = None


class FunctionTool(Shape):
    type: Literal["function"]
    function: Function


class Named(Shape):
    name: str


class Forced(Shape):
    type: Literal["function"]
    function: Named


class PlainText(Shape):
    type: Literal["text"]


class JsonObject(Shape):
    type: Literal["json_object"]


class StreamOptions(Shape):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class Schema(Shape):
    name: str
    description: str | None = None
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    strict: bool | None = None


class JsonSchema(Shape):
    type: Literal["json_schema"]
    json_schema: Schema


Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Penalty = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]


class Body(Shape):
    """`models` is ours: a chain of the caller's own. Whatever is not here has no known price."""

    model: str = ""
    models: Annotated[list[str], Field(max_length=8)] | None = None
    messages: Annotated[list[AnyMessage], Field(min_length=1)]
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    stop: str | list[str] | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: Literal["auto", "none", "required"] | Forced | None = None
    parallel_tool_calls: bool | None = None
    response_format: Annotated[PlainText | JsonObject | JsonSchema, Field(discriminator="type")] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    n: Annotated[int, Field(ge=1, le=8)] | None = None
    service_tier: str | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    seed: int | None = None
    metadata: dict[str, str] | None = None
    prompt_cache_key: str | None = None
    modalities: list[Literal["text"]] | None = None
    store: Literal[False] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
