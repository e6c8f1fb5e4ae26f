"""From the name a caller uses to the models that may answer, in the order they are asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from llm_core.catalog import Catalog, Model
from llm_core.errors import InvalidRequest, Misconfigured, ModelNotFound
from llm_core.messages import Usage
from llm_core.pricing import cost

_DEPTH = 5
"""A role may name an alias that names a route; more steps than this are a circle."""

_EXPECTED_OUTPUT = 1_000
"""Tokens by which prices are compared when the caller sets no limit."""


@dataclass(frozen=True, slots=True)
class Group:
    """Candidates that are asked in this order or, `by_cost`, the cheapest for the request first."""

    models: tuple[Model, ...]
    by_cost: bool = False

    def ordered(self, usage: Usage) -> tuple[Model, ...]:
        return tuple(sorted(self.models, key=lambda model: cost(usage, model))) if self.by_cost else self.models


@dataclass(frozen=True, slots=True)
class Plan:
    """What a name stands for: groups of candidates, one after another."""

    groups: tuple[Group, ...]

    @property
    def candidates(self) -> tuple[Model, ...]:
        """Every model once, as the catalog lists them."""
        return _once(model for group in self.groups for model in group.models)

    def ordered(self, prompt_tokens: int, max_tokens: int | None) -> tuple[Model, ...]:
        """The candidates in the order they are asked for a request of this size."""
        expected = Usage(input=prompt_tokens, output=max_tokens or _EXPECTED_OUTPUT)
        return _once(model for group in self.groups for model in group.ordered(expected))


def plan(name: str, catalog: Catalog, *, chain: Sequence[str] = ()) -> Plan:
    """What the caller's name stands for. A chain of the caller's own is the whole scope.

    Raises ModelNotFound with the nearest names.
    """
    groups = [group for each in chain or (name,) for group in resolve(each, catalog).groups]
    return Plan(tuple(groups))


def resolve(name: str, catalog: Catalog, depth: int = 0) -> Plan:
    """A role, an alias, a route, `provider/model` (that one and no other) or a bare id, in this order."""
    if depth > _DEPTH:
        raise Misconfigured(f"The catalog's name {name!r} leads in a circle.")
    known = catalog.roles.get(name) or catalog.aliases.get(name)
    if known is not None:
        return resolve(known, catalog, depth + 1)
    route = catalog.routes.get(name)
    if route is None:
        return Plan((Group((catalog.model(name),)),))
    steps = [_step(each, name, catalog, depth) for each in route.names]
    if route.cheapest:
        return Plan((Group(_once(model for step in steps for model in step.candidates), by_cost=True),))
    return Plan(tuple(group for step in steps for group in step.groups))


def models(names: Iterable[str], catalog: Catalog) -> frozenset[str]:
    """The models, by `provider/model`, that any of these names stands for. A name that was kept somewhere and has left
    the catalog since stands for none."""
    found: set[str] = set()
    for name in names:
        with suppress(ModelNotFound):
            found |= {model.name for model in resolve(name, catalog).candidates}
    return frozenset(found)


def _step(each: str, route: str, catalog: Catalog, depth: int) -> Plan:
    """One name of a route; a route may carry the name of the model that it begins with."""
    if each == route and each in catalog.by_name:
        return Plan((Group((catalog.model(each),)),))
    return resolve(each, catalog, depth + 1)


def check(catalog: Catalog) -> None:
    """Every role, alias and route leads to models of one kind. Raises Misconfigured, naming the one that does not."""
    for place, names in (("roles", catalog.roles), ("aliases", catalog.aliases), ("routes", catalog.routes)):
        for name in names:
            try:
                kinds = {model.kind for model in resolve(name, catalog).candidates}
            except (Misconfigured, ModelNotFound) as error:
                raise Misconfigured(f"The catalog's {place}.{name} leads to no model: {error.message}") from error
            if len(kinds) != 1:
                raise Misconfigured(f"The catalog's {place}.{name} leads to models of two kinds: {sorted(kinds)}.")


def of_kind(kind: str, plan: Plan, name: str) -> Plan:
    """The plan, if its models do this. Raises InvalidRequest."""
    if any(model.kind != kind for model in plan.candidates):
        does = "make embeddings" if kind == "embedding" else "hold a conversation"
        raise InvalidRequest(f"The model {name[:100]!r} does not {does}.", param="model")
    return plan


def _once(models: Iterable[Model]) -> tuple[Model, ...]:
    return tuple({model.name: model for model in models}.values())
