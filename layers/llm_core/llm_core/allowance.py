"""The most that a caller allows one request to cost, over all its attempts (`x-drey-max-cost-usd`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llm_core.attempt import Call
from llm_core.catalog import Model
from llm_core.errors import BudgetExceeded
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
        self._admit(_charge(ceiling(models[0])))
        return [model for model in models if _charge(ceiling(model)) <= self.most]

    def admit(self, call: Call, ceiling: int) -> None:
        """Attempts are money: another is made only if all together stay within the word. Raises BudgetExceeded."""
        self._admit(call.charged + _charge(ceiling))

    def _admit(self, charge: int) -> None:
        if self.most is not None and charge > self.most:
            required, allowed = plain(charge), plain(self.most)
            refused = BudgetExceeded(f"This may cost up to {required} USD, and x-drey-max-cost-usd allows {allowed}.")
            refused.details = {"required": required, "limit": allowed}
            raise refused


def _charge(cost: int) -> int:
    return with_markup(cost, settings().markup_percent)
