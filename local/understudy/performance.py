"""What is answered, in words of no provider: every protocol renders one Performance, whole or as events."""

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from local.understudy import tokens

type Stop = Literal["end", "length", "stop_sequence", "tool", "refusal", "content_filter"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens in disjoint buckets; `input` is uncached, `reasoning` is part of `output`."""

    input: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    cache_read: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def prompt(self) -> int:
        return self.input + self.cache_write_5m + self.cache_write_1h + self.cache_read

    def so_far(self, generated: int) -> "Usage":
        """The same prompt with only so many output tokens generated."""
        return dataclasses.replace(self, output=generated, reasoning=min(self.reasoning, generated))


@dataclass(frozen=True, slots=True)
class Thinking:
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; `text` is its arguments as JSON text (cut short when the answer ran out of tokens)."""

    name: str
    text: str


type Block = Thinking | Text | Refusal | Call


@dataclass(frozen=True, slots=True)
class Piece:
    """A word or so of block `block` in copy `copy`; `generated` counts the output tokens up to its end."""

    copy: int
    block: int
    text: str
    generated: int
    first: bool
    last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """`stop_word` replaces the provider's own word for `stop`; `copies` is OpenAI's n (usage covers all of them)."""

    blocks: tuple[Block, ...]
    usage: Usage
    stop: Stop = "end"
    stop_sequence: str | None = None
    stop_word: str | None = None
    copies: int = 1

    def pieces(self, per_event: int = 1) -> Iterator[Piece]:
        """The answer in pieces of `per_event` words; an empty block is one empty piece."""
        whole = max(1, self.copies * sum(len(block.text.encode("utf-8", "surrogatepass")) for block in self.blocks))
        done = 0
        for copy in range(self.copies):
            for number, block in enumerate(self.blocks):
                parts = _parts(block.text, per_event)
                for place, part in enumerate(parts):
                    done += len(part.encode("utf-8", "surrogatepass"))
                    # Proportional to the text, so that an ordered output_tokens is reached exactly at the end.
                    generated = -(-self.usage.output * done // whole)
                    yield Piece(copy, number, part, generated, first=place == 0, last=place == len(parts) - 1)

    def opened_by(self, text: str) -> "Performance":
        """The same answer with a text before it, counted into the usage."""
        extra = tokens.of_text(text) * self.copies
        usage = dataclasses.replace(self.usage, output=self.usage.output + extra)
        return dataclasses.replace(self, blocks=(Text(text), *self.blocks), usage=usage)


def _parts(text: str, per_event: int) -> list[str]:
    words = re.findall(r"\s*\S+|\s+", text) or [""]
    return ["".join(words[start : start + per_event]) for start in range(0, len(words), per_event)]
