"""Tools as a request to Anthropic has them: its caller's own, and those that Anthropic defines."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.dialects.anthropic_shapes import CustomTool, KnownTool, Prompt
from llm_core.errors import ParameterNotPriced
from llm_core.messages import Tool

_AT_THE_CALLERS = {"bash", "text_editor", "computer", "memory"}
"""Anthropic's tools that run where the caller is: they cost their tokens and no fee."""


def written(body: Prompt) -> Iterator[Tool]:
    for tool in body.tools or ():
        if isinstance(tool, CustomTool):
            yield Tool(tool.name, tool.description, tool.input_schema, tool.strict)


def paid(body: Prompt) -> dict[str, int]:
    """Tools that Anthropic runs, each with its bound on uses. Raises ParameterNotPriced for one without."""
    bounds: dict[str, int] = {}
    for index, tool in enumerate(body.tools or ()):
        if isinstance(tool, CustomTool) or (kind := _kind(tool)) in _AT_THE_CALLERS:
            continue
        if tool.max_uses is None:
            field = f"tools[{index}].max_uses"
            raise ParameterNotPriced(f"{kind} costs a fee per use: bound it by max_uses.", param=field)
        bounds[kind] = bounds.get(kind, 0) + tool.max_uses
    return bounds


def at_the_callers(body: Prompt) -> tuple[str, ...]:
    """The kinds of those that run where the caller is, each as often as it is there."""
    return tuple(kind for tool in known(body) if (kind := _kind(tool)) in _AT_THE_CALLERS)


def known(body: Prompt) -> Iterator[KnownTool]:
    return (tool for tool in body.tools or () if isinstance(tool, KnownTool))


def _kind(tool: KnownTool) -> str:
    """What a tool is called without the day of its version: `bash_20250124` is `bash`."""
    return tool.type.rpartition("_")[0]
