"""The words every dialect and every provider is translated to and from. No AWS, no SDK."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["user", "assistant"]
Finish = Literal["stop", "length", "tool_calls", "refusal"]


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Image:
    """Either `url`, or `data` (base64) with its `media_type`."""

    media_type: str = ""
    data: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model asks for a tool. `arguments` is the JSON text it wrote, which need not be valid."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back to the call with this id."""

    call_id: str
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Opaque:
    """A part that only its own dialect has words for, such as a thinking block: passed on there, refused elsewhere.

    `unseen`: its content is not in the request (a file, an address), so its size is unknown.
    """

    kind: str
    unseen: bool = False


Part = Text | Image | ToolCall | ToolResult | Opaque


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Instructions:
    """A prompt of ours: named blocks, as XML for Claude and plainly for GPT."""

    use_case: str
    version: int
    blocks: tuple[tuple[str, str], ...]

    def as_xml(self) -> str:
        return "\n".join(f"<{name}>\n{text}\n</{name}>" for name, text in self.blocks)

    def as_plain(self) -> str:
        return "\n\n".join(f"# {name.replace('_', ' ').capitalize()}\n{text}" for name, text in self.blocks)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool the model may ask for. `parameters` is a JSON schema of an object, followed to the letter if `strict`."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """`tool` names one; `required` means any of them. `parallel` allows several calls in one answer."""

    mode: Literal["auto", "none", "required", "tool"] = "auto"
    name: str = ""
    parallel: bool = True


Dialect = Literal["openai", "anthropic", "native"]


@dataclass(frozen=True, slots=True)
class Output:
    """The answer must be JSON: of this JSON schema, or of any when there is none."""

    name: str = "answer"
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Original:
    """What the caller sent, in its own dialect, without what is the platform's: a provider of that dialect gets it as
    it came. `only` are the fields that no other dialect has words for."""

    dialect: Dialect
    body: Mapping[str, Any]
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model, free of any dialect. None means: the caller did not say.

    `models` is a chain of the caller's own. `terms` are the fields that change prices, as pricing.cost takes them;
    `answers` is how many of them are asked for; `fee_uses` bounds how often each tool of the provider's may run;
    `known_tools` are those that the provider defines and the caller runs, one entry for each that was sent; `echo` is
    what a dialect's answer repeats of it. `stream`: the answer is wanted while it is written, and, with
    `include_usage`, its account at the end.
    """

    model: str
    messages: tuple[Message, ...]
    system: str | Instructions = ""
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = field(default_factory=ToolChoice)
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    end_user: str = ""
    output: Output | None = None
    models: tuple[str, ...] = ()
    terms: Mapping[str, str] = field(default_factory=dict)
    answers: int = 1
    fee_uses: Mapping[str, int] = field(default_factory=dict)
    known_tools: tuple[str, ...] = ()
    original: Original | None = None
    echo: Mapping[str, Any] = field(default_factory=dict)
    stream: bool = False
    include_usage: bool = True

    @property
    def betas(self) -> tuple[str, ...]:
        """Features in their beta that an Anthropic client has switched on, by Anthropic's names."""
        return tuple(self.original.body.get("anthropic_beta", ())) if self.original else ()

    @property
    def images(self) -> int:
        return sum(isinstance(part, Image) for message in self.messages for part in message.parts)

    @property
    def opaque(self) -> tuple[Opaque, ...]:
        """The parts that only the caller's own dialect has words for."""
        parts = (part for message in self.messages for part in message.parts)
        return tuple(part for part in parts if isinstance(part, Opaque))


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens in disjoint buckets; `reasoning` is a part of `output`. `fees` counts the uses of tools that cost."""

    input: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    cache_read: int = 0
    output: int = 0
    reasoning: int = 0
    fees: Mapping[str, int] = field(default_factory=dict)

    @property
    def prompt(self) -> int:
        """All tokens that went in, cached or not: what price tiers are measured by."""
        return self.input + self.cache_write_5m + self.cache_write_1h + self.cache_read

    @property
    def total(self) -> int:
        return self.prompt + self.output


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered. `original` is the provider's own body, for callers who speak its dialect; `terms` are the
    price terms it really applied, where it says so."""

    id: str
    model: str
    parts: tuple[Text | ToolCall, ...]
    finish: Finish
    usage: Usage
    dialect: Dialect = "native"
    original: Mapping[str, Any] = field(default_factory=dict)
    terms: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector per input, in their order."""

    vectors: list[list[float]]
    usage: Usage
