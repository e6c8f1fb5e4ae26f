"""From the body of a request to the order of a run: which kind, with which tools, within which limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agents.kinds import Kind, kinds
from agents.tools.registry import tools
from llm_core import routing, shapes
from llm_core.aws.stage_catalog import catalog
from llm_core.callers import Caller
from llm_core.errors import InvalidRequest
from llm_core.runs.run import Terms
from llm_core.runs.shapes import NewRun
from llm_core.runs.start import Order


def read(data: bytes, caller: Caller) -> Order:
    """Raises InvalidRequest, which lists what there is, or ModelNotFound."""
    body = shapes.read(NewRun, shapes.parse_exactly(data))
    plain = shapes.parse(data)  # its numbers are floats again, as JSON has them
    kind = kinds().get(body.type)
    if kind is None:
        raise _unknown("type", [body.type], kinds())
    possible = available(kind, caller)
    wanted = possible if body.tools is None else list(dict.fromkeys(body.tools))
    if strange := [name for name in wanted if name not in possible]:
        raise _unknown("tools", strange, possible)
    if strange := [name for name in body.require_approval if name not in possible]:
        raise _unknown("requireApproval", strange, possible)
    role = body.role or kind.role
    routing.of_kind("chat", routing.plan(role, catalog()), role)
    tasks = plain.get("tasks") or []
    if tasks and plain.get("input"):
        raise InvalidRequest("input: tasks have inputs of their own. Leave one of the two out.", param="input")
    for given, place in [(task, f"tasks[{n}]") for n, task in enumerate(tasks)] or [(plain.get("input", {}), "input")]:
        _check(kind, given, place)
    terms = Terms(
        tools=tuple(wanted),
        role=role,
        turns=kind.turns,
        seconds=kind.seconds,
        approvals=tuple(sorted({*kind.approvals, *body.require_approval} & {*wanted})),
        publishes=kind.publishes,
        checks=kind.checks,
    )
    return Order(kind.name, plain.get("input", {}), terms, body.budget, tasks)


def available(kind: Kind, caller: Caller) -> list[str]:
    """The tools that this kind may have and this caller may use."""
    return [
        name
        for name, tool in tools().items()
        if (name in kind.tools or (tool.plugin and kind.plugins)) and (not tool.scope or tool.scope in caller.scopes)
    ]


def _check(kind: Kind, given: Mapping[str, Any], place: str) -> None:
    """Raises InvalidRequest."""
    if not any(_says_something(given.get(name)) for name in kind.input):
        names = " or ".join(kind.input)
        raise InvalidRequest(f"{place}: an agent of type {kind.name} needs {names}.", param=place)
    for name in sorted(({"text", *kind.input} - {"documents"}) & given.keys()):
        if not isinstance(given[name], str):
            raise InvalidRequest(f"{place}.{name}: a text.", param=f"{place}.{name}")
    documents = given.get("documents", [])
    if not isinstance(documents, list) or not all(map(_is_document, documents)):
        words = "a list of texts, or of objects with title and text."
        raise InvalidRequest(f"{place}.documents: {words}", param=f"{place}.documents")


def _says_something(value: Any) -> bool:
    return bool(value.strip() if isinstance(value, str) else value)


def _is_document(value: Any) -> bool:
    if isinstance(value, dict):
        return isinstance(value.get("text"), str) and isinstance(value.get("title", ""), str)
    return isinstance(value, str)


def _unknown(param: str, strange: Iterable[str], valid: Iterable[str]) -> InvalidRequest:
    there = ", ".join(valid) or "none"
    error = InvalidRequest(f"{param}: {', '.join(map(repr, strange))[:200]} cannot be used here. There are: {there}.")
    error.param = param
    error.details = {"valid": list(valid)}
    return error
