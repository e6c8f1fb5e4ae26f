"""The tool that works out arithmetic. Nothing is evaluated but numbers and the operators below."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

from agents.tools.tool import ToolError, tool

_LONGEST = 500
_LARGEST_POWER = 1_000
_MOST_BITS = 10_000


def _round(number: Any, digits: int | None = None) -> Any:
    if digits is not None and abs(digits) > _LARGEST_POWER:  # it would work out that power of ten
        raise ToolError(f"Digits end at {_LARGEST_POWER}.")
    return round(number, digits)


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
_FUNCTIONS: dict[str, Callable[..., Any]] = {"abs": abs, "round": _round, "sqrt": math.sqrt, "min": min, "max": max}
_NAMES = {"pi": math.pi, "e": math.e}


@tool()
def calculator(
    expression: Annotated[str, Field(description="Such as (17.5 * 3 - 2) / 4", min_length=1, max_length=_LONGEST)],
) -> str:
    """Works out an arithmetic expression exactly: + - * / // % **, brackets, abs, round, sqrt, min, max, pi, e.

    Use it for every calculation instead of working it out yourself.
    """
    try:
        value = _value(ast.parse(expression, mode="eval").body)
        text = str(value)
    except ToolError:
        raise
    except (SyntaxError, ArithmeticError, TypeError, ValueError, RecursionError, MemoryError) as error:
        raise ToolError(f"This cannot be worked out: {error}.") from error
    return text


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return _bounded(number)
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _UNARY[type(op)](_value(operand))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            base, power = _value(left), _value(right)
            if abs(power) > _LARGEST_POWER:
                raise ToolError(f"Powers end at {_LARGEST_POWER}.")
            if isinstance(base, int) and base.bit_length() * abs(power) > _MOST_BITS:
                raise ToolError("This number would be too long.")
            return _bounded(base**power)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _bounded(_BINARY[type(op)](_value(left), _value(right)))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            return _bounded(_FUNCTIONS[name](*map(_value, arguments)))
        case _:
            raise ToolError("Only numbers, + - * / // % **, brackets, abs, round, sqrt, min, max, pi and e are known.")


def _bounded(value: Any) -> Any:
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        raise ToolError("The result is no real number.")
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        raise ToolError("This number would be too long.")
    return value
