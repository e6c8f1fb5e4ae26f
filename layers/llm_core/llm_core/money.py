"""Money is an integer number of nano-USD; Decimal appears only where people or JSON see it."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

NANO = 1_000_000_000
"""nano-USD in one USD."""


def nano(usd: Decimal | str | int) -> int:
    """USD as nano-USD. Raises ValueError when the amount is not a whole number of them."""
    exact = Decimal(usd) * NANO
    whole = int(exact)
    if whole != exact:
        raise ValueError(f"{usd} USD is not a whole number of nano-USD")
    return whole


def usd(amount: int) -> Decimal:
    """nano-USD as exact USD, without trailing zeros."""
    return (Decimal(amount) / NANO).normalize()


def plain(amount: int) -> str:
    """nano-USD as a plain decimal string of USD, never in exponent form: `0.000105`."""
    return f"{usd(amount):f}"


def without_markup(amount: int, percent: Decimal) -> int:
    """The cost that is charged as at most `amount` nano-USD: `with_markup` the other way round."""
    return math.floor(amount / (1 + Fraction(percent) / 100))


def with_markup(amount: int, percent: Decimal) -> int:
    """What a caller is charged for `amount` nano-USD of cost: rounded up, once per row, never below what is owed."""
    return math.ceil(amount * (1 + Fraction(percent) / 100))
