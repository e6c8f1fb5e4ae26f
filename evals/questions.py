"""From a case to the request that the product itself would send, by the product's own code."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agents import conversation, turns
from agents.kinds import kinds
from agents.tools.registry import tools
from agents.tools.tool import Context
from gateway import classification
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.messages import Message, Part, Request, Text, ToolCall, ToolResult
from operations import judge
from sayings import writer
from sayings.services import Service, services

Given = Mapping[str, Any]

NOBODY = Caller("evals", "evals", frozenset())


def question(use_case: str, model: str, given: Given) -> Request:
    """What is asked of this model for this case."""
    if use_case in kinds():
        return _turn(use_case, model, given)
    return _ASK[use_case](model, given)


def _classify(model: str, given: Given) -> Request:
    body = {"model": model, "input": given["text"], "labels": given["labels"]}
    return classification.read(json.dumps(body).encode())[0]


def _judge(model: str, given: Given) -> Request:
    return judge.request(given["task"], given["answer"], given["rubric"], model)


@dataclass(frozen=True)
class _Heard(Exception):
    """Stops a tool at the moment it asks its model."""

    request: Request


def _tool(name: str) -> Callable[[str, Given], Request]:
    """What an agent's tool asks its model when it is given this."""

    def ask(request: Request) -> str:
        raise _Heard(request)

    def asked(model: str, given: Given) -> Request:
        try:
            tools()[name](Context(NOBODY, Deadline.after(1), ask), given)
        except _Heard as heard:
            return replace(heard.request, model=model)
        raise AssertionError(f"the tool {name} asked no model")

    return asked


def _sayings(model: str, given: Given) -> Request:
    wanted = [services()[each] if isinstance(each, str) else Service(**each, said=()) for each in given["services"]]
    return writer.request(model, wanted)


def _turn(use_case: str, model: str, given: Given) -> Request:
    """A turn of an agent: its question, then, by `history`, one call a turn and what the tool gave back."""
    kind = kinds()[use_case]
    names = [name for name in kind.tools if name in tools()]
    asked = {name: value for name, value in given.items() if name != "history"}
    said = [Message("user", (Text(conversation.question(asked, names)),)), *_history(given.get("history", ()))]
    return replace(turns.request(kind, model, names, tuple(said), last=False), max_tokens=2_000)


def _history(before: Sequence[Given]) -> list[Message]:
    said = []
    for place, each in enumerate(before):
        call = ToolCall(f"call_{place}", each["name"], json.dumps(each["arguments"]))
        parts: list[tuple[Part, ...]] = [(call,), (ToolResult(call.id, each["result"]),)]
        said += [Message("assistant", parts[0]), Message("user", parts[1])]
    return said


_ASK: dict[str, Callable[[str, Given], Request]] = {
    "classify": _classify,
    "judge": _judge,
    "summarize": _tool("summarize"),
    "extract": _tool("extract"),
    "sayings": _sayings,
}
