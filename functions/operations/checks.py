"""What an answer must be like for an evaluation to pass: pure rules over what came back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from llm_core.messages import Reply, Text, ToolCall
from llm_core.money import NANO, plain


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(Shape):
    """How many words an answer has, at least and at most."""

    least: int = 0
    most: int = 1_000_000


class Called(Shape):
    """A tool that the answer must ask for; each named argument must match its regular expression."""

    name: str
    arguments: Mapping[str, str] = {}


class Checks(Shape):
    """All that is named must hold. `contains` and `excludes` do not mind case, `matches` is a regular expression,
    `fields` are what the answer's JSON must say, `rubric` is put to a judge (judge.py)."""

    contains: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    matches: str = ""
    label: str = ""
    fields: Mapping[str, Any] = {}
    words: Words = Words()
    tool: Called | None = None
    cost_usd: Decimal | None = Field(default=None, gt=0)
    latency_ms: int | None = Field(default=None, gt=0)
    rubric: str = ""

    def failures(self, told: Told) -> Iterator[str]:
        """What does not hold, in words; the rubric is not looked at here."""
        text = told.text.casefold()
        yield from (f"does not say {part!r}" for part in self.contains if part.casefold() not in text)
        yield from (f"says {part!r}" for part in self.excludes if part.casefold() in text)
        if self.matches and not re.search(self.matches, told.text, re.DOTALL):
            yield f"does not match {self.matches!r}"
        wanted = {**({"label": self.label} if self.label else {}), **self.fields}
        for name, value in wanted.items():
            if name not in told.json or told.json[name] != value:
                yield f"its {name} is {told.json.get(name, 'missing')!r}, not {value!r}"
        count = len(told.text.split())
        if not self.words.least <= count <= self.words.most:
            yield f"has {count} words, not {self.words.least} to {self.words.most}"
        if self.tool:
            yield from _uncalled(self.tool, told.calls)
        if self.cost_usd is not None and told.cost > self.cost_usd * NANO:
            yield f"cost {plain(told.cost)} USD, more than {self.cost_usd}"
        if self.latency_ms is not None and told.latency_ms > self.latency_ms:
            yield f"took {told.latency_ms} ms, more than {self.latency_ms}"


@dataclass(frozen=True, slots=True)
class Told:
    """What came back: nano-USD and milliseconds of this one answer."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    cost: int = 0
    latency_ms: int = 0

    @classmethod
    def of(cls, reply: Reply, cost: int, latency_ms: int) -> Told:
        text = "".join(part.text for part in reply.parts if isinstance(part, Text))
        return cls(text, tuple(part for part in reply.parts if isinstance(part, ToolCall)), cost, latency_ms)

    @property
    def json(self) -> Mapping[str, Any]:
        """The answer's JSON object, empty for what is none."""
        try:
            found = json.loads(self.text)
        except (RecursionError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _uncalled(wanted: Called, calls: tuple[ToolCall, ...]) -> Iterator[str]:
    given = [call for call in calls if call.name == wanted.name]
    if not given:
        names = ", ".join(call.name for call in calls) or "none"
        yield f"does not call {wanted.name} (called: {names})"
        return
    arguments = Told(given[0].arguments).json
    for name, pattern in wanted.arguments.items():
        if not re.search(pattern, str(arguments.get(name, "")), re.IGNORECASE):
            yield f"calls {wanted.name} with {name}={arguments.get(name)!r}, not like {pattern!r}"
