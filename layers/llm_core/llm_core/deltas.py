"""The words of an answer while it is written: every provider's stream in them, and from them any dialect's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llm_core.messages import Finish, Reply, Text, ToolCall, Usage


@dataclass(frozen=True, slots=True)
class Began:
    """The provider has taken the request. It has written nothing yet."""

    id: str
    model: str


@dataclass(frozen=True, slots=True)
class TextPiece:
    text: str


@dataclass(frozen=True, slots=True)
class ThinkingPiece:
    """What the model says to itself. Its signature, which only its own dialect has words for, is in the event."""

    text: str


@dataclass(frozen=True, slots=True)
class CallBegun:
    """A tool is asked for: the `index`-th of this answer, from 0."""

    index: int
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallPiece:
    """More of the JSON text that are the arguments of this call."""

    index: int
    arguments: str


@dataclass(frozen=True, slots=True)
class Finished:
    finish: Finish


@dataclass(frozen=True, slots=True)
class Used:
    """What the provider counted for the whole answer. One that comes later is truer."""

    usage: Usage
    terms: Mapping[str, str] | None = None


Delta = Began | TextPiece | ThinkingPiece | CallBegun | CallPiece | Finished | Used


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a provider's stream. `raw` is the event as it came, for callers who speak that dialect, and `data`
    its JSON; an event without deltas means something in that dialect only."""

    raw: bytes
    data: Mapping[str, Any]
    deltas: tuple[Delta, ...] = ()

    @property
    def has_content(self) -> bool:
        """Whether the model has said something: a ping and an opening are none."""
        return any(not isinstance(delta, Began) for delta in self.deltas)


@dataclass(slots=True)
class Heard:
    """What has come of an answer so far. `finish` and `usage` are None until the provider has told them."""

    id: str = ""
    model: str = ""
    finish: Finish | None = None
    usage: Usage | None = None
    terms: Mapping[str, str] | None = None
    _parts: list[tuple[CallBegun | None, list[str]]] = field(default_factory=list)
    _arguments: dict[int, list[str]] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        for delta in event.deltas:
            match delta:
                case Began():
                    self.id, self.model = delta.id, delta.model
                case TextPiece():
                    if not self._parts or self._parts[-1][0]:
                        self._parts.append((None, []))
                    self._parts[-1][1].append(delta.text)
                case CallBegun():
                    self._arguments[delta.index] = []
                    self._parts.append((delta, self._arguments[delta.index]))
                case CallPiece():
                    self._arguments[delta.index].append(delta.arguments)
                case Finished():
                    self.finish = delta.finish
                case Used():
                    self.usage, self.terms = delta.usage, delta.terms

    @property
    def parts(self) -> tuple[Text | ToolCall, ...]:
        pieces = [(call, "".join(said)) for call, said in self._parts]
        return tuple(ToolCall(call.id, call.name, said) if call else Text(said) for call, said in pieces)

    @property
    def reply(self) -> Reply | None:
        """The answer as if it had come whole; None until it is, and its usage is known."""
        if self.finish is None or self.usage is None:
            return None
        return Reply(self.id, self.model, self.parts, self.finish, self.usage, terms=self.terms)
