"""The only list of models and prices: catalog.json, validated when it is first read.

A price is None where the provider has none of its own for that bucket; pricing.py says what is charged then.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from llm_core.errors import ModelNotFound

Capability = Literal["sampling", "system", "tools", "vision"]
Price = Annotated[Decimal, Field(ge=0, le=10_000)]
"""USD per million tokens."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Prices(_Row):
    """USD per million tokens of each bucket."""

    input: Price
    output: Price
    cache_write_5m: Price | None = None
    cache_write_1h: Price | None = None
    cache_read: Price | None = None


class Tier(Prices):
    """Prices of the whole request once its prompt is longer than `above` tokens."""

    above: int = Field(gt=0)


class Model(Prices):
    """One model at one provider. `context`, `max_output` and `default_output` are tokens."""

    provider: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$")
    tiers: tuple[Tier, ...] = ()
    context: int = Field(gt=0)
    max_output: int = Field(gt=0)
    default_output: int = Field(gt=0)
    capabilities: frozenset[Capability] = frozenset()
    shutdown: date | None = None
    source: str
    checked_on: date

    @property
    def name(self) -> str:
        """`provider/model`: what no other row is called."""
        return f"{self.provider}/{self.model}"

    def can(self, capability: Capability) -> bool:
        return capability in self.capabilities


class _File(_Row):
    unit: Literal["USD per million tokens"]
    as_of: date
    models: tuple[Model, ...]


class Catalog:
    """Models by their names. `version` changes with every byte of the file; ledger rows keep it."""

    def __init__(self, text: bytes) -> None:
        file = _File.model_validate_json(text)
        self.version = f"{file.as_of.isoformat()}.{hashlib.sha256(text).hexdigest()[:8]}"
        self.models = file.models
        self._by_name = dict(_names(file.models))

    def model(self, name: str) -> Model:
        """The row called `provider/model` or by its bare id. Raises ModelNotFound with the nearest names."""
        found = self._by_name.get(name)
        if found is None:
            nearest = difflib.get_close_matches(name[:100], self._by_name, n=2, cutoff=0.6)
            raise ModelNotFound(name, tuple(nearest))
        return found


def _names(models: Iterable[Model]) -> Iterable[tuple[str, Model]]:
    """Each row under both its names; of two rows with one bare id the first in the file has it."""
    rows = list(models)
    yield from ((row.model, row) for row in reversed(rows))
    yield from ((row.name, row) for row in rows)


@cache
def catalog() -> Catalog:
    """The catalog of this package, read once per process."""
    return Catalog(Path(__file__).with_name("catalog.json").read_bytes())
