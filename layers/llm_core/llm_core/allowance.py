"""The most that a caller allows one request to cost, over all its attempts (`x-drey-max-cost-usd`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llm_core.attempt import Call
from llm_core.catalog import Model
from llm_core.errors import BudgetExceeded, ProviderUnaffordable
from llm_core.money import plain, with_markup
from llm_core.settings import settings


@dataclass(frozen=True, slots=True)
class Allowance:
    """`most` is nano-USD as charged, markup included; None allows anything."""

    most: int | None = None

    def affordable(self, models: list[Model], ceiling: Callable[[Model], int]) -> list[Model]:
        """The candidates that cannot cost more. Raises BudgetExceeded when not even the first is one."""
        if self.most is None:
            return models
        if (charge := _charge(ceiling(models[0]))) > self.most:
            refused = BudgetExceeded(self._words(charge))
            refused.details = {"required": plain(charge), "limit": plain(self.most)}
            raise refused
        return [model for model in models if _charge(ceiling(model)) <= self.most]

    def admit(self, call: Call, ceiling: int, model: Model) -> None:
        """Attempts are money: another is made only if all together stay within the word.

        Raises ProviderUnaffordable: this candidate is passed over, and what others said is told.
        """
        charge = call.charged + _charge(ceiling)
        if self.most is not None and charge > self.most:
            raise ProviderUnaffordable(self._words(charge), provider=model.provider)

    def _words(self, charge: int) -> str:
        return (
            f"With this it may cost up to {plain(charge)} USD, and x-drey-max-cost-usd allows {plain(self.most or 0)}."
        )


def _charge(cost: int) -> int:
    return with_markup(cost, settings().markup_percent)
