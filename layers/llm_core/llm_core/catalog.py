"""The only list of models and prices: catalog.json, and what an operator lays over it; validated when it is read.

A price is None where the provider has none of its own for that bucket; pricing.py says what is charged then.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from llm_core.errors import Misconfigured, ModelNotFound

Capability = Literal["forced_tools", "reasoning", "sampling", "structured", "system", "tools", "vision"]
Price = Annotated[Decimal, Field(ge=0, le=10_000)]
"""USD per million tokens; a fee is USD per use."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Prices(_Row):
    """USD per million tokens of each bucket."""

    input: Price
    output: Price = Decimal(0)
    cache_write_5m: Price | None = None
    cache_write_1h: Price | None = None
    cache_read: Price | None = None


class Tier(Prices):
    """Prices of the whole request once its prompt is longer than `above` tokens."""

    above: int = Field(gt=0)
    output: Price


class Limits(_Row):
    """Seconds: until the first token (where the upstream call streams), between two, and for the whole answer."""

    first_token_s: float = Field(default=10, gt=0)
    stall_s: float = Field(default=15, gt=0)
    total_s: float = Field(default=600, gt=0)


class Model(Prices):
    """One model at one provider. `context`, the outputs and `image_tokens` (the dearest image) are tokens.

    `multipliers` says what a field's value does to every price: {"service_tier": {"priority": 1.75}}. A value that
    is not listed is not priced. `fees` are USD per use of a tool that the provider runs itself, `tool_tokens` what the
    definition of a tool that runs at the caller's adds to the prompt, unseen by us.
    """

    provider: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$")
    kind: Literal["chat", "embedding"] = "chat"
    tiers: tuple[Tier, ...] = ()
    multipliers: Mapping[str, Mapping[str, Annotated[Decimal, Field(gt=0)]]] = {}
    fees: Mapping[str, Price] = {}
    tool_tokens: Mapping[str, Annotated[int, Field(ge=0)]] = {}
    context: int = Field(gt=0)
    max_output: int = Field(default=0, ge=0)
    default_output: int = Field(default=4096, gt=0)
    image_tokens: int = Field(default=0, ge=0)
    capabilities: frozenset[Capability] = frozenset()
    limits: Limits = Limits()
    api_version: str | None = None
    shutdown: date | None = None
    source: str = "overlay"
    checked_on: date | None = None

    @model_validator(mode="after")
    def _what_it_sees_has_a_size(self) -> Self:
        if self.can("vision") and not self.image_tokens:
            raise PydanticCustomError("needed", "a model with vision needs one above 0", {"field": "image_tokens"})
        return self

    @model_validator(mode="after")
    def _what_it_writes_has_a_price_and_an_end(self) -> Self:
        for field in ("output", "max_output"):
            if self.kind == "chat" and not getattr(self, field) > 0:
                raise PydanticCustomError("needed", "a chat model needs one above 0", {"field": field})
        return self

    @property
    def name(self) -> str:
        """`provider/model`: what no other row is called."""
        return f"{self.provider}/{self.model}"

    def can(self, capability: Capability) -> bool:
        return capability in self.capabilities


class Endpoint(_Row):
    """A provider that an operator added: it speaks OpenAI's protocol at `base_url`; `secret` is a reference."""

    kind: Literal["openai"]
    base_url: str = Field(pattern=r"^https?://")
    secret: str = Field(pattern=r"^(ssm|secretsmanager|env):.+")


class Route(_Row):
    """Names asked in the order given, or, in `cheapest`, in the order of what this request would cost there."""

    candidates: tuple[str, ...] = ()
    cheapest: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_order(self) -> Self:
        if bool(self.candidates) == bool(self.cheapest):
            raise ValueError("a route has either candidates or cheapest")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return self.candidates or self.cheapest


class Beta(_Row):
    """A feature that Anthropic's clients switch on by the header `anthropic-beta`, and that by itself costs nothing on
    models with a window of at least `context` tokens. What it lets a body say has prices of its own. `bedrock`: Bedrock
    knows it too.
    """

    context: int = Field(default=0, ge=0)
    bedrock: bool = False


class _Layer(_Row):
    """What catalog.json and an overlay have in common."""

    models: tuple[Model, ...] = ()
    routes: Mapping[str, Route] = {}
    roles: Mapping[str, str] = {}
    aliases: Mapping[str, str] = {}
    betas: Mapping[str, Beta] = {}

    @field_validator("models")
    @classmethod
    def _one_row_a_name(cls, models: tuple[Model, ...]) -> tuple[Model, ...]:
        names = [model.name for model in models]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"{twice} stands there twice")
        return models

    @field_validator("routes", mode="before")
    @classmethod
    def _a_list_is_an_order(cls, routes: Any) -> Any:
        if not isinstance(routes, dict):
            return routes
        return {name: {"candidates": route} if isinstance(route, list) else route for name, route in routes.items()}


class _File(_Layer):
    unit: str
    as_of: date


class _Overlay(_Layer):
    providers: Mapping[str, Endpoint] = {}


class Catalog:
    """Models, routes, roles, aliases, betas by their names; `version` changes with every byte, ledger rows keep it."""

    def __init__(self, package: bytes, overlay: bytes = b"{}") -> None:
        """Raises Misconfigured, naming the place, for a file that is not in shape or names what is not there."""
        base, added = _read(_File, package, "catalog.json"), _read(_Overlay, overlay, "the overlay")
        self.version = f"{base.as_of.isoformat()}.{hashlib.sha256(package + overlay).hexdigest()[:8]}"
        self.endpoints = dict(added.providers)
        replaced = {model.name for model in added.models}
        self.models = tuple(m for m in base.models if m.name not in replaced) + added.models
        self.routes = {**base.routes, **added.routes}
        self.roles = {**base.roles, **added.roles}
        self.aliases = {**base.aliases, **added.aliases}
        self.betas = {**base.betas, **added.betas}
        for place, name in self._references():
            if not self.knows(name):
                raise Misconfigured(f"The catalog's {place} names {name!r}, which is nothing that can be called.")

    def _references(self) -> Iterator[tuple[str, str]]:
        yield from ((f"routes.{route}", name) for route, spec in self.routes.items() for name in spec.names)
        yield from ((f"roles.{role}", name) for role, name in self.roles.items())
        yield from ((f"aliases.{alias}", name) for alias, name in self.aliases.items())

    @cached_property
    def by_name(self) -> dict[str, Model]:
        """Each row by `provider/model` and by its bare id; of two rows with one bare id the first has it."""
        bare = {model.model: model for model in reversed(self.models)}
        return bare | {model.name: model for model in self.models}

    def knows(self, name: str) -> bool:
        return any(name in names for names in (self.by_name, self.routes, self.roles, self.aliases))

    def model(self, name: str) -> Model:
        """The row called `provider/model` or by its bare id. Raises ModelNotFound with the nearest names."""
        found = self.by_name.get(name)
        if found is None:
            names = {**self.by_name, **self.routes, **self.roles, **self.aliases}
            raise ModelNotFound(name, tuple(difflib.get_close_matches(name[:100], names, n=2, cutoff=0.6)))
        return found


def _read[T: _Layer](shape: type[T], text: bytes, file: str) -> T:
    try:
        return shape.model_validate(json.loads(text, parse_float=Decimal))
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False)
        wrong = min(told, key=lambda each: each["type"] != "extra_forbidden")  # a misspelt name explains a missing one
        field = (wrong["ctx"]["field"],) if wrong["type"] == "needed" else ()
        place = ".".join(str(step) for step in (*wrong["loc"], *field))
        where = f"{file}, {place}" if place else file
        raise Misconfigured(f"In {where}: {wrong['msg']}.") from error
    except (RecursionError, ValueError) as error:
        raise Misconfigured(f"In {file}: this is not JSON: {error}.") from error


PACKAGE = Path(__file__).with_name("catalog.json")
"""The catalog that is deployed with the layer."""
