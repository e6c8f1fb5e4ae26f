"""From the name a caller uses to the models that may answer, in the order they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llm_core.catalog import Catalog, Model
from llm_core.errors import InvalidRequest, Misconfigured, ModelNotFound
from llm_core.pricing import ceiling

_DEPTH = 5
"""A role may name an alias that names a route; more steps than this are a circle."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a name stands for: the candidates, and whether the cheapest for the request comes first."""

    candidates: tuple[Model, ...]
    by_cost: bool = False

    def ordered(self, prompt_tokens: int, max_tokens: int | None) -> tuple[Model, ...]:
        """The candidates in the order they are asked for a request of this size."""
        if not self.by_cost:
            return self.candidates
        return tuple(sorted(self.candidates, key=lambda m: ceiling(m, prompt_tokens, max_tokens or m.default_output)))


def plan(name: str, catalog: Catalog, *, chain: Sequence[str] = (), fallback: bool = True) -> Plan:
    """What the caller's name stands for. A chain of the caller's own is the whole scope; without `fallback`, one model.

    Raises ModelNotFound with the nearest names.
    """
    found = _join([resolve(each, catalog) for each in chain]) if chain else resolve(name, catalog)
    return found if fallback else Plan(found.candidates[:1])


def resolve(name: str, catalog: Catalog, depth: int = 0) -> Plan:
    """A role, an alias, a route, `provider/model` (that one and no other) or a bare id, in this order."""
    if depth > _DEPTH:
        raise Misconfigured(f"The catalog's name {name!r} leads in a circle.")
    known = catalog.roles.get(name) or catalog.aliases.get(name)
    if known is not None:
        return resolve(known, catalog, depth + 1)
    route = catalog.routes.get(name)
    if route is None:
        return Plan((catalog.model(name),))
    steps = [
        Plan((catalog.model(each),)) if each == name else resolve(each, catalog, depth + 1) for each in route.names
    ]
    return Plan(_join(steps).candidates, by_cost=bool(route.cheapest))


def check(catalog: Catalog) -> None:
    """Every role, alias and route leads to models of one kind. Raises Misconfigured, naming the one that does not."""
    for name in (*catalog.roles, *catalog.aliases, *catalog.routes):
        try:
            kinds = {model.kind for model in resolve(name, catalog).candidates}
        except ModelNotFound as error:
            raise Misconfigured(f"The catalog's {name!r} leads to nothing that can be called.") from error
        if len(kinds) != 1:
            raise Misconfigured(f"The catalog's {name!r} must lead to models of one kind, not {sorted(kinds)}.")


def of_kind(kind: str, plan: Plan, name: str) -> Plan:
    """The plan, if its models do this. Raises InvalidRequest."""
    if any(model.kind != kind for model in plan.candidates):
        does = "make embeddings" if kind == "embedding" else "hold a conversation"
        raise InvalidRequest(f"The model {name[:100]!r} does not {does}.", param="model")
    return plan


def _join(plans: Sequence[Plan]) -> Plan:
    """One plan after another, each model once."""
    models = {model.name: model for each in plans for model in each.candidates}
    return Plan(tuple(models.values()))
