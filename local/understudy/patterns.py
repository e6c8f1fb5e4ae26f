"""A text that matches a regular expression."""

import re
from collections.abc import Iterable
from typing import Any

CHARS = "aA0 _-.,:/@#1bB"
PRINTABLE = "".join(map(chr, range(32, 127)))


def example(pattern: str, candidates: Iterable[str]) -> str:
    """The first candidate that matches, else the shortest text the expression itself describes."""
    try:
        compiled = re.compile(pattern)
    except re.error:
        return next(iter(candidates), "")
    for candidate in candidates:
        if compiled.search(candidate):
            return candidate
    return _shortest(_parsed(pattern), {})


def _parsed(pattern: str) -> Any:
    # The standard library's own parser has no public name; `re.compile` has accepted the pattern before.
    return re._parser.parse(pattern)  # type: ignore[attr-defined]


def _shortest(nodes: Any, groups: dict[int, str]) -> str:
    return "".join(_node(str(kind), value, groups) for kind, value in nodes)


def _node(kind: str, value: Any, groups: dict[int, str]) -> str:
    match kind:
        case "LITERAL":
            return chr(value)
        case "NOT_LITERAL":
            return next(char for char in CHARS if ord(char) != value)
        case "ANY":
            return "a"
        case "IN":
            return _member(value)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, _, inner = value
            return "".join(_shortest(inner, groups) for _ in range(least))
        case "SUBPATTERN":
            number, _, _, inner = value
            text = _shortest(inner, groups)
            groups[number] = text
            return text
        case "ATOMIC_GROUP":
            return _shortest(value, groups)
        case "BRANCH":
            return _shortest(value[1][0], groups)
        case "GROUPREF":
            return groups.get(value, "")
    # Anchors and looks around match a place, not a text.
    return ""


def _member(choices: Any) -> str:
    negated = str(choices[0][0]) == "NEGATE"
    for char in CHARS + PRINTABLE:
        if any(_holds(str(kind), value, char) for kind, value in choices) != negated:
            return char
    return chr(choices[0][1]) if str(choices[0][0]) == "LITERAL" else chr(choices[0][1][0])


def _holds(kind: str, value: Any, char: str) -> bool:
    match kind:
        case "LITERAL":
            return bool(ord(char) == value)
        case "RANGE":
            return bool(value[0] <= ord(char) <= value[1])
        case "CATEGORY":
            name = str(value).removeprefix("CATEGORY_")
            held = {
                "DIGIT": char.isdigit(),
                "SPACE": char.isspace(),
                "WORD": char.isalnum() or char == "_",
            }[name.removeprefix("NOT_")]
            return held != name.startswith("NOT_")
    return False
