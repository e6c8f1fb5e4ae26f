"""OpenAI Responses: the request's shape, as far as it is served."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from gateway.dialects.openai_shapes import FunctionName, Share, Temperature
from llm_core.shapes import Shape, not_priced

IMAGE_URL = r"^(data:image/[a-z.+-]+;base64,|https://)"


def _not_kept(_: Any) -> Any:
    raise PydanticCustomError("not_kept", "Nothing is kept here. Send the items of the conversation in `input` instead")


Kept = Annotated[Any, AfterValidator(_not_kept)]
"""What refers to something that an earlier answer left behind."""


class InputText(Shape):
    type: Literal["input_text"]
    text: str


class InputImage(Shape):
    type: Literal["input_image"]
    image_url: Annotated[str, Field(pattern=IMAGE_URL)]
    detail: Literal["auto", "low", "high"] | None = None


class InputFile(Shape):
    type: Literal["input_file"]
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


UserPart = Annotated[InputText | InputImage | InputFile, Field(discriminator="type")]


class _Message(Shape):
    type: Literal["message"] | None = None
    id: str | None = None
    status: str | None = None


class Instruction(_Message):
    role: Literal["system", "developer"]
    content: str | list[InputText]


class User(_Message):
    role: Literal["user"]
    content: str | list[UserPart]


class _Said(BaseModel):
    """What a model said before. It comes back as it was written, so what is new in it may stay."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True, hide_input_in_errors=True)


class SaidText(_Said):
    type: Literal["output_text", "input_text"]
    text: str


class SaidRefusal(_Said):
    type: Literal["refusal"]
    refusal: str


class Assistant(_Said):
    role: Literal["assistant"]
    content: str | list[Annotated[SaidText | SaidRefusal, Field(discriminator="type")]]


class FunctionCall(_Said):
    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str


class Reasoning(_Said):
    """What a model thought, readable to whoever wrote it only. Chat Completions has no words for it."""

    type: Literal["reasoning"]


class FunctionCallOutput(Shape):
    type: Literal["function_call_output"]
    id: str | None = None
    status: str | None = None
    call_id: str
    output: str | list[UserPart]


class ItemReference(Shape):
    type: Literal["item_reference"]
    id: Kept


def _kind(item: Any) -> Any:
    """A message need not say that it is one."""
    return (item.get("type") or "message") if isinstance(item, dict) else None


Message = Annotated[Instruction | User | Assistant, Field(discriminator="role")]
Item = Annotated[
    Annotated[Message, Tag("message")]
    | Annotated[FunctionCall, Tag("function_call")]
    | Annotated[FunctionCallOutput, Tag("function_call_output")]
    | Annotated[Reasoning, Tag("reasoning")]
    | Annotated[ItemReference, Tag("item_reference")],
    Discriminator(_kind),
]


class FunctionTool(Shape):
    type: Literal["function"]
    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


def _function(tool: Any) -> Any:
    """Most of the other kinds run at the provider."""
    kind = tool.get("type", "function") if isinstance(tool, dict) else "function"
    if kind != "function":
        raise not_priced(
            "type", "Tools of type '{kind}' have no known price here. Only functions are served", kind=str(kind)[:60]
        )
    return tool


Tool = Annotated[FunctionTool, BeforeValidator(_function)]


class Forced(Shape):
    type: Literal["function"]
    name: str


class PlainText(Shape):
    type: Literal["text"]


class JsonObject(Shape):
    type: Literal["json_object"]


class JsonSchema(Shape):
    type: Literal["json_schema"]
    name: str
    description: str | None = None
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    strict: bool | None = None


class TextConfig(Shape):
    format: Annotated[PlainText | JsonObject | JsonSchema, Field(discriminator="type")] | None = None
    verbosity: str | None = None


class Effort(Shape):
    """`summary` and `context` promise nothing: thoughts are not told here."""

    effort: str | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    context: Literal["auto", "current_turn"] | None = None


class StreamOptions(Shape):
    include_obfuscation: bool | None = None


Included = Literal[
    "reasoning.encrypted_content",
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
]
"""Parts of items that no answer has here, so all of them are in it."""


class Body(Shape):
    """`models` is ours: a chain of the caller's own. Whatever is not here has no known price."""

    model: str = ""
    models: Annotated[list[str], Field(max_length=8)] | None = None
    input: str | Annotated[list[Item], Field(min_length=1)]
    instructions: str | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["auto", "none", "required"] | Forced | None = None
    parallel_tool_calls: bool | None = None
    text: TextConfig | None = None
    reasoning: Effort | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    service_tier: str | None = None
    metadata: dict[str, str] | None = None
    client_metadata: dict[str, str] | None = None
    include: list[Included] | None = None
    truncation: Literal["disabled"] | None = None
    store: bool | None = None
    previous_response_id: Kept | None = None
    conversation: Kept | None = None
    background: Literal[False] | None = None
    top_logprobs: Literal[0] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
