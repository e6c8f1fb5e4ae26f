"""The calculator: arithmetic and nothing else."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.tools.calculator import calculator
from agents.tools.tool import ToolError


def work_out(expression: str) -> str:
    return str(calculator.function(expression))


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1 + 2 * 3", "7"),
        ("(17.5 * 3 - 2) / 4", "12.625"),
        ("2 ** 10", "1024"),
        ("-7 // 2", "-4"),
        ("7 % 3", "1"),
        ("sqrt(2) ** 2", str(math.sqrt(2) ** 2)),
        ("round(2.675, 2)", "2.67"),
        ("max(1, 2, 3) - min(4, 5)", "-1"),
        ("891 * 3.20", "2851.2000000000003"),
    ],
)
def test_it_works_out(expression: str, result: str) -> None:
    assert work_out(expression) == result


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "().__class__.__bases__[0].__subclasses__()",
        "open('/etc/passwd').read()",
        "(lambda: 1)()",
        "[x for x in range(9)]",
        "'a' * 9",
        "x + 1",
        "1 if True else 2",
        "9 ** 9 ** 9",
        "2 ** 100000",
        "10 ** 1000 * 10 ** 1000 * 10 ** 1000 * 10 ** 1000",
        "(-8) ** 0.5",
        "1 / 0",
        "1 +",
        "1; 2",
        "True + 1",
        "round(2, ndigits=1)",
        "round(5, -9 ** 9)",
        "1e999",
        "1e308 * 10 - 1e308 * 10",
        "(" * 400 + "1" + ")" * 400,
    ],
)
def test_it_refuses_what_is_no_arithmetic_or_without_end(expression: str) -> None:
    with pytest.raises(ToolError):
        work_out(expression)


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9), st.sampled_from("+-*"))
def test_it_agrees_with_python(left: int, right: int, sign: str) -> None:
    exact = {"+": left + right, "-": left - right, "*": left * right}[sign]
    assert work_out(f"({left}) {sign} ({right})") == str(exact)


@given(st.text(max_size=60))
def test_it_answers_or_refuses_whatever_it_is_given(expression: str) -> None:
    try:
        work_out(expression)
    except ToolError:
        return
