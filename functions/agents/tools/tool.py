"""A tool is a function: its name, docstring and signature are what the model is told, its types are what it is held to.

    @tool()
    def calculator(expression: Annotated[str, Field(description="...")]) -> str:
        \"\"\"Works out an arithmetic expression.\"\"\"

A first parameter of type `Context` is not the model's: it is whom the tool works for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Protocol, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.messages import Request


class ToolError(Exception):
    """The tool cannot do this; its words are for the model, so that it may try otherwise."""


class Asks(Protocol):
    """Asks a model on the run's account and gives back what it said. Raises as gateway.answer does."""

    def __call__(self, request: Request, /) -> str: ...


@dataclass(frozen=True, slots=True)
class Document:
    """A text that can be searched. `source` says whose it is: `input` or `platform`."""

    title: str
    text: str
    source: str = "input"


@dataclass(frozen=True, slots=True)
class Context:
    """Whom a tool works for: who pays, until when, which texts were given, and a model to ask."""

    caller: Caller
    deadline: Deadline
    ask: Asks
    documents: Sequence[Document] = ()


@dataclass(frozen=True)
class Tool:
    """`scope`: only for callers who have it. `plugin`: it came by entry point."""

    function: Callable[..., Any]
    scope: str | None = None
    plugin: bool = False
    arguments: type[BaseModel] = field(init=False)
    takes_context: bool = field(init=False)

    def __post_init__(self) -> None:
        hints = get_type_hints(self.function, include_extras=True)
        parameters = list(inspect.signature(self.function).parameters.values())
        takes = bool(parameters) and hints.get(parameters[0].name) is Context
        fields: dict[str, Any] = {}
        for each in parameters[takes:]:  # by alias, because `schema` or `copy` would be names of the model's own
            default = ... if each.default is inspect.Parameter.empty else each.default
            fields[f"{each.name}_"] = (Annotated[hints[each.name], Field(alias=each.name)], default)
        config = ConfigDict(extra="forbid", hide_input_in_errors=True)
        object.__setattr__(self, "arguments", create_model(self.name, __config__=config, **fields))
        object.__setattr__(self, "takes_context", takes)

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def description(self) -> str:
        return inspect.cleandoc(self.function.__doc__ or "")

    @cached_property
    def schema(self) -> dict[str, Any]:
        """JSON schema of its arguments."""
        schema = self.arguments.model_json_schema()
        schema.pop("title", None)
        return schema

    def __call__(self, context: Context, arguments: Mapping[str, Any]) -> Any:
        """What it gives back: text, or plain JSON. Raises ToolError for arguments that do not fit."""
        try:
            read = self.arguments.model_validate(arguments)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)
            told = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}" for each in wrong)
            raise ToolError(f"These arguments do not fit: {told}.") from error
        given = {name.removesuffix("_"): getattr(read, name) for name in self.arguments.model_fields}
        return self.function(context, **given) if self.takes_context else self.function(**given)


def tool(*, scope: str | None = None) -> Callable[[Callable[..., Any]], Tool]:
    """Makes a tool of a function."""
    return lambda function: Tool(function, scope)
