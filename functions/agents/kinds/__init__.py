"""The kinds of agents, each a file of data beside this one: its prompt's name, tools, model, limits, approvals."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

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


@cache
def kinds() -> dict[str, Kind]:
    """By name."""
    files = sorted(FOLDER.glob("*.toml"))
    return {file.stem: Kind(name=file.stem, **tomllib.loads(file.read_text())) for file in files}
