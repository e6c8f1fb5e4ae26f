"""Anthropic Messages: the request's shape, as far as it is served."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from llm_core.shapes import Shape


class CacheControl(Shape):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class _Cacheable(Shape):
    cache_control: CacheControl | None = None


class TextBlock(_Cacheable):
    type: Literal["text"]
    text: str


class Base64Source(Shape):
    type: Literal["base64"]
    media_type: str
    data: str


class UrlSource(Shape):
    type: Literal["url"]
    url: Annotated[str, Field(pattern=r"^https://")]


class ImageBlock(_Cacheable):
    type: Literal["image"]
    source: Annotated[Base64Source | UrlSource, Field(discriminator="type")]


class DocumentSource(Shape):
    type: Literal["base64", "text", "url", "file", "content"]
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    content: str | list[TextBlock] | None = None


class Thinking(Shape):
    type: Literal["enabled", "adaptive", "disabled"]
    budget_tokens: Annotated[int, Field(ge=1)] | None = None
    display: str | None = None


class DocumentBlock(_Cacheable):
    """A document that only Claude reads: its source is passed on as it is."""

    type: Literal["document"]
    source: DocumentSource
    title: str | None = None
    context: str | None = None
    citations: dict[str, bool] | None = None


class SearchResultBlock(_Cacheable):
    """What a search of the caller's own has found, to be cited by Claude."""

    type: Literal["search_result"]
    source: str
    title: str
    content: list[TextBlock]
    citations: dict[str, bool] | None = None


class ToolReferenceBlock(_Cacheable):
    """A tool that a search of the caller's own has found among those that the request has."""

    type: Literal["tool_reference"]
    tool_name: str


ResultBlock = Annotated[
    TextBlock | ImageBlock | DocumentBlock | SearchResultBlock | ToolReferenceBlock, Field(discriminator="type")
]


class ToolResultBlock(_Cacheable):
    type: Literal["tool_result"]
    tool_use_id: str
    content: str | list[ResultBlock] = ""
    is_error: bool | None = None


UserBlock = Annotated[
    TextBlock | ImageBlock | DocumentBlock | SearchResultBlock | ToolResultBlock, Field(discriminator="type")
]


class User(Shape):
    role: Literal["user"]
    content: str | list[UserBlock]


class System(Shape):
    """Instructions in the middle of a conversation."""

    role: Literal["system"]
    content: str | list[TextBlock]


class SaidBlock(BaseModel):
    """What Claude said before. It comes back as it was written, so what is new in it may stay."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True, hide_input_in_errors=True)

    type: str
    text: str = ""
    id: str = ""
    name: str = ""
    input: dict[str, Any] = Field(default_factory=dict)


class Assistant(Shape):
    role: Literal["assistant"]
    content: str | list[SaidBlock]


class CustomTool(_Cacheable):
    type: Literal["custom"] | None = None
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,128}$")]
    description: str = ""
    input_schema: dict[str, Any]
    strict: bool | None = None
    eager_input_streaming: bool | None = None
    defer_loading: bool | None = None
    input_examples: list[dict[str, Any]] | None = None
    allowed_callers: list[Literal["direct"]] | None = None


class KnownTool(_Cacheable):
    """A tool that Anthropic defines: some run at the caller's (bash, editor, computer, memory), some at Anthropic's."""

    type: Annotated[str, Field(pattern=r"^[a-z_]+_[0-9]{8}$")]
    name: str
    max_uses: Annotated[int, Field(ge=1, le=100)] | None = None
    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None
    user_location: dict[str, str] | None = None
    max_characters: int | None = None
    display_width_px: int | None = None
    display_height_px: int | None = None
    display_number: int | None = None


def _whose(tool: Any) -> str:
    kind = tool.get("type") if isinstance(tool, dict) else None
    return "custom" if kind in (None, "custom") else "known"


AnyTool = Annotated[
    Annotated[CustomTool, Tag("custom")] | Annotated[KnownTool, Tag("known")],
    Discriminator(_whose),
]


class Choice(Shape):
    type: Literal["auto", "any", "tool", "none"]
    name: str = ""
    disable_parallel_tool_use: bool | None = None


class Metadata(Shape):
    user_id: str | None = None


class Format(Shape):
    type: Literal["json_schema"]
    schema_: Annotated[dict[str, Any], Field(alias="schema")]


class OutputConfig(Shape):
    effort: str | None = None
    format: Format | None = None


class Measure(Shape):
    type: Literal["input_tokens", "tool_uses", "thinking_turns"]
    value: int


class ClearThinking(Shape):
    type: Literal["clear_thinking_20251015"]
    keep: Literal["all"] | Measure | None = None


class ClearToolUses(Shape):
    type: Literal["clear_tool_uses_20250919"]
    trigger: Measure | None = None
    keep: Measure | None = None
    clear_at_least: Measure | None = None
    clear_tool_inputs: bool | list[str] | None = None
    exclude_tools: list[str] | None = None


class ContextManagement(Shape):
    """What Claude may forget before it answers. Summaries instead (`compact`) would be answers of their own."""

    edits: list[Annotated[ClearThinking | ClearToolUses, Field(discriminator="type")]] | None = None


Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Prompt(Shape):
    """What POST /v1/messages/count_tokens takes too. `models` is ours: a chain of the caller's own."""

    model: str = ""
    models: Annotated[list[str], Field(max_length=8)] | None = None
    messages: Annotated[list[Annotated[User | Assistant | System, Field(discriminator="role")]], Field(min_length=1)]
    system: str | list[TextBlock] | None = None
    tools: list[AnyTool] | None = None
    tool_choice: Choice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    cache_control: CacheControl | None = None
    context_management: ContextManagement | None = None
    speed: str | None = None


class Body(Prompt):
    """Whatever is not here has no known price."""

    max_tokens: Annotated[int, Field(ge=1)]
    temperature: Share | None = None
    top_p: Share | None = None
    top_k: Annotated[int, Field(ge=0)] | None = None
    stop_sequences: list[str] | None = None
    metadata: Metadata | None = None
    inference_geo: str | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    stream: bool | None = None
