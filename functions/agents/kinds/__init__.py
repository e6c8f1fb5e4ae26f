"""The kinds of agents, each a file of data beside this one: its prompt's name, tools, model, limits, approvals."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from llm_core.errors import InvalidRequest
from llm_core.shapes import parse

FOLDER = Path(__file__).parent

Check = Literal["destructive", "pii"]


class Kind(BaseModel):
    """`input` names the fields of which at least one must be given. `role` is a model, or a role of the catalog.

    `tools` are those it may have; with `plugins` also those that other packages bring. `turns` and `seconds` bound a
    run. `approvals` are tools that a person must allow each time, `checks` are made of what all tools are given, and
    with `publishes` the answer itself waits for a person. `output` is the JSON schema of the answer, text without one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str
    prompt: str
    role: str
    input: Annotated[tuple[str, ...], Field(min_length=1)]
    tools: tuple[str, ...]
    plugins: bool = False
    turns: Annotated[int, Field(ge=1, le=20)] = 10
    seconds: Annotated[int, Field(ge=1, le=86_400)] = 3_600
    approvals: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    publishes: bool = False
    output: dict[str, Any] | None = None

    def told(self, text: str) -> dict[str, Any] | None:
        """A model's answer as the output of a run: what was promised and no more; None when it is not that."""
        if self.output is None:
            return {"text": text}
        try:
            found = parse(text.encode())
        except (InvalidRequest, UnicodeEncodeError):
            return None
        if not isinstance(found, dict) or not set(self.output["required"]) <= found.keys():
            return None
        promised = self.output["properties"]
        output = {name: found[name] for name in promised if name in found}
        return output if all(_is(value, promised[name]) for name, value in output.items()) else None


def _is(value: Any, schema: dict[str, Any]) -> bool:
    """As far as the schemas of kinds go: texts, and lists of them."""
    if schema["type"] == "array":
        return isinstance(value, list) and all(_is(each, schema["items"]) for each in value)
    return schema["type"] == "string" and isinstance(value, str)


@cache
def kinds() -> dict[str, Kind]:
    """By name."""
    files = sorted(FOLDER.glob("*.toml"))
    return {file.stem: Kind(name=file.stem, **tomllib.loads(file.read_text())) for file in files}
