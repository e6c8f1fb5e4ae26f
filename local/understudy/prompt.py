"""What was asked, in words of no provider: every protocol reads its request into one Prompt."""

from dataclasses import dataclass
from typing import Any, Literal

type Json = dict[str, Any]
type Ttl = Literal["5m", "1h"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool the model may call; `schema` is the JSON schema of its arguments."""

    name: str
    description: str
    schema: Json


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `role` is user, assistant or tool; a tool turn's `results` are what the tools answered."""

    role: Literal["user", "assistant", "tool"]
    text: str = ""
    results: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the canonical prompt, as it is counted. `cache` marks the end of a prefix to be cached for so long."""

    text: str
    images: int = 0
    cache: Ttl | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """`segments` are what is counted; the other fields are what is understood. `max_tokens` None means no limit."""

    provider: str
    model: str
    key: str
    turns: tuple[Turn, ...]
    segments: tuple[Segment, ...]
    system: str = ""
    tools: tuple[Tool, ...] = ()
    tool_choice: Literal["auto", "any", "none"] = "auto"
    forced_tool: str | None = None
    parallel: bool = True
    schema: Json | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    thinking: bool = False
    stream: bool = False
    include_usage: bool = False
    copies: int = 1
    tier: str = "default"

    @property
    def question(self) -> str:
        """The text of the last user turn."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user"), "")

    @property
    def since_question(self) -> tuple[Turn, ...]:
        """The turns after the last user turn: calls made and results given so far."""
        last = max((place for place, turn in enumerate(self.turns) if turn.role == "user"), default=-1)
        return self.turns[last + 1 :]
