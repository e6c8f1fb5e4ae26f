"""A run's conversation: kept turn by turn, and put together again for the model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.tools.tool import Document
from llm_core import shapes
from llm_core.aws import table
from llm_core.errors import InvalidRequest
from llm_core.messages import Message, Part, Text, ToolCall, ToolResult
from llm_core.runs import bodies
from llm_core.runs.run import Run, runs_table

MOST_CALLS = 40
"""Tools of one turn: AWS runs no more of an inline Map side by side."""

_SHOWN_CHARACTERS = 60_000
"""Of all documents together, in the question; the rest is there to be searched."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model said in one turn. `outcome` is where the state machine goes from there."""

    number: int
    text: str
    calls: tuple[ToolCall, ...]
    outcome: str

    def arguments(self, place: int) -> dict[str, Any] | None:
        """Of one call; None when the model wrote no JSON object."""
        return written(self.calls[place].arguments or "{}")


def written(text: str) -> dict[str, Any] | None:
    """The JSON object that a model wrote; None for anything else: NaN, half a letter, endless nesting."""
    try:
        read = shapes.parse(text.encode())
    except InvalidRequest:
        return None
    return read if isinstance(read, dict) else None


def legible(text: str) -> str:
    """Without halves of surrogate pairs, which JSON can spell and UTF-8 cannot: no store and no provider takes them."""
    return text.encode(errors="replace").decode()


def turn_name(number: int) -> str:
    return f"turn#{number:04d}"


def call_name(number: int, place: int) -> str:
    return f"call#{number:04d}#{place:02d}"


def kept_turn(run: Run, turn: Turn) -> dict[str, Any]:
    """As an item of the run. Raises StoreUnavailable."""
    body = {
        "text": turn.text,
        "calls": [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in turn.calls],
    }
    name = turn_name(turn.number)
    return {"item": name, "outcome": turn.outcome, "body": bodies.keep(run.id, name, body)}


def kept_result(run: Run, number: int, place: int, text: str, *, is_error: bool) -> dict[str, Any]:
    """As an item of the run. Raises StoreUnavailable."""
    name = call_name(number, place)
    return {"item": name, "body": bodies.keep(run.id, name, {"text": text, "isError": is_error})}


def find_turn(run: Run, number: int) -> Turn | None:
    """Raises StoreUnavailable."""
    item = table.get(runs_table(), {"runId": run.id, "item": turn_name(number)})
    return None if item is None else _turn(item)


def turns(run: Run) -> list[Turn]:
    """All so far, in order. Raises StoreUnavailable."""
    return [_turn(item) for item in _items(run, "turn#")]


def documents(given: Any) -> list[Document]:
    """The texts in a run's input: `documents` with title and text, `text` alone."""
    found: list[Document] = []
    if isinstance(given, Mapping):
        if isinstance(text := given.get("text"), str):
            found.append(Document("text", text))
        for number, each in enumerate(given.get("documents") or [], 1):
            if isinstance(each, str):
                found.append(Document(f"document {number}", each))
            elif isinstance(each, Mapping):
                found.append(Document(str(each.get("title") or f"document {number}"), str(each.get("text", ""))))
    return found


def messages(run: Run, given: Any, before: Sequence[Turn]) -> tuple[Message, ...]:
    """The question, then for each turn what the model said and what its tools gave back. Raises StoreUnavailable."""
    results = {item["item"]: bodies.kept(item["body"]) for item in _items(run, "call#")}
    said = [Message("user", (Text(question(given, run.terms.tools)),))]
    for turn in before:
        calls = [_readable(turn, place) for place in range(len(turn.calls))]
        spoken: list[Part] = [Text(turn.text)] if turn.text else []
        said.append(Message("assistant", (*spoken, *calls)))
        given_back = [
            _result(call, results.get(call_name(turn.number, place))) for place, call in enumerate(turn.calls)
        ]
        said.append(Message("user", tuple(given_back)))
    return tuple(said)


def question(given: Any, tools: Sequence[str]) -> str:
    """The input as JSON, documents apart: as far as there is room in full, then by their titles."""
    rest = {name: value for name, value in given.items() if name not in ("text", "documents")}
    lines = [json.dumps(rest, ensure_ascii=False)] if rest else []
    left = _SHOWN_CHARACTERS
    for each in documents(given):
        shown = each.text[:left]
        left -= len(shown)
        cut = "" if len(shown) == len(each.text) else "\n[The rest is not shown here. Search finds it.]"
        lines.append(f'<document title="{each.title}">\n{shown}{cut}\n</document>')
    if tools:
        lines.append(f"Tools: {', '.join(tools)}.")
    return "\n\n".join(lines)


def _readable(turn: Turn, place: int) -> ToolCall:
    """The call as any provider takes it back."""
    call = turn.calls[place]
    if turn.arguments(place) is not None:
        return call
    return ToolCall(call.id, call.name, json.dumps({"unreadable": call.arguments[:1_000]}))


def _result(call: ToolCall, kept: Mapping[str, Any] | None) -> ToolResult:
    if kept is None:
        return ToolResult(call.id, f"Not run: at most {MOST_CALLS} tools run in one turn.", is_error=True)
    return ToolResult(call.id, kept["text"], kept["isError"])


def _items(run: Run, prefix: str) -> list[dict[str, Any]]:
    return list(table.query(runs_table(), {"runId": run.id}, between=("item", prefix, f"{prefix}~")))


def _turn(item: Mapping[str, Any]) -> Turn:
    body = bodies.kept(item["body"])
    calls = tuple(ToolCall(call["id"], call["name"], call["arguments"]) for call in body["calls"])
    return Turn(int(item["item"].rpartition("#")[2]), body["text"], calls, item["outcome"])
