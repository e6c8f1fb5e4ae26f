"""Tools as functions: what the model is told of them, what they are held to, and those that other packages bring."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from agents import ordering
from agents.kinds import kinds
from agents.tools import registry
from agents.tools.tool import Context, Tool, ToolError, tool
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.errors import Misconfigured

CALLER = Caller("sk-proj-toolstools12", "ada", frozenset({"agent:run"}))
CONTEXT = Context(CALLER, Deadline.after(60), lambda _: "")
PLUGIN = Path(__file__).with_name("sample_plugin")


@tool()
def copy(schema: Annotated[str, Field(description="What to copy", max_length=5)], json: int = 2) -> str:
    """Copies a text."""
    return schema * json


def test_the_model_is_told_the_name_the_docstring_and_the_types() -> None:
    assert (copy.name, copy.description) == ("copy", "Copies a text.")
    assert copy.schema["required"] == ["schema"]
    assert copy.schema["properties"]["schema"]["description"] == "What to copy"
    assert copy.schema["properties"]["json"] == {"default": 2, "title": "Json", "type": "integer"}
    assert copy.schema["additionalProperties"] is False


def test_arguments_are_held_to_their_types_and_the_model_is_told_which_do_not_fit() -> None:
    assert copy(CONTEXT, {"schema": "ab", "json": 3}) == "ababab"
    for wrong, place in (({}, "schema"), ({"schema": "ab", "x": 1}, "x"), ({"schema": "too long"}, "schema")):
        with pytest.raises(ToolError, match=place):
            copy(CONTEXT, wrong)


def test_whom_a_tool_works_for_is_not_the_models_to_say() -> None:
    @tool()
    def who(context: Context) -> str:
        """Tells who."""
        return context.caller.user_id

    assert who.schema["properties"] == {}
    assert who(CONTEXT, {}) == "ada"
    with pytest.raises(ToolError):
        who(CONTEXT, {"context": "eve"})


@pytest.mark.parametrize("ours", registry.OURS, ids=lambda one: one.name)
def test_each_of_ours_says_what_it_does_and_what_each_argument_is(ours: Tool) -> None:
    assert len(ours.description) > 40
    assert all(one.get("description") for one in ours.schema["properties"].values())


# ------------------------------------------------------------------------------------------------ plugins
@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package with tools is installed, as a folder on the path."""
    monkeypatch.syspath_prepend(str(PLUGIN))
    registry.tools.cache_clear()
    yield PLUGIN
    registry.tools.cache_clear()
    sys.modules.pop("weather_tools", None)


def test_a_package_brings_tools_to_the_kinds_that_take_them(plugin: Path) -> None:
    weather = registry.tools()["weather"]
    assert weather.plugin
    assert weather(CONTEXT, {"city": "Bonn", "days": 2}) == {"city": "Bonn", "days": ["sunny", "sunny"]}
    assert "weather" in ordering.available(kinds()["research"], CALLER)
    assert "weather" not in ordering.available(kinds()["document_analysis"], CALLER)


def test_a_tool_with_a_scope_is_for_those_who_have_it(plugin: Path) -> None:
    reader = Caller("sk-proj-toolstools12", "ada", frozenset({"agent:run", "usage:read"}))
    assert "my_name" not in ordering.available(kinds()["research"], CALLER)
    assert "my_name" in ordering.available(kinds()["research"], reader)


NONSENSE = [("search = weather_tools:weather", "weather"), ("x = os:getcwd", "no tool")]


@pytest.mark.parametrize(("line", "words"), NONSENSE)
def test_a_package_that_brings_nonsense_is_told_to_the_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plugin: Path, line: str, words: str
) -> None:
    folder = tmp_path / "other.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(f"[drey.tools]\n{line}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(Misconfigured, match=words):
        registry.tools()
