"""A value that satisfies a JSON schema, plausible from the words of a prompt."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from local.understudy import patterns, words
from local.understudy.prompt import Json

# From this depth on, what may be left out is left out: schemas can contain themselves.
DEEPEST = 6
FORMATS = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T09:00:00Z",
    "time": "09:00:00Z",
    "email": "understudy@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "duration": "PT1H",
}


def value(schema: Json | bool, text: str) -> Any:
    """A value for `schema`; words, numbers, addresses and enum members of `text` are used where they fit."""
    root = schema if isinstance(schema, dict) else {}
    return _Writer(root, text).value(root, "")


class _Writer:
    def __init__(self, root: Json, text: str) -> None:
        self.root, self.text = root, text

    def value(self, schema: Any, name: str, depth: int = 0) -> Any:
        if not isinstance(schema, dict):
            return words.subject(self.text)
        schema = self._resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._member(schema["enum"])
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            rest = {key: part for key, part in schema.items() if key not in ("anyOf", "oneOf")}
            return self.value(_merged(rest, self._branch(choices, depth)), name, depth + 1)
        match self._type(schema, depth):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "integer":
                return int(self._number(schema, name, whole=True))
            case "number":
                return self._number(schema, name, whole=False)
            case "boolean":
                return not re.search(r"\b(not|no|never|false|off)\b", self.text.lower())
            case "null":
                return None
        return self._string(schema, name)

    def _resolved(self, schema: Json, depth: int) -> Json:
        for _ in range(DEEPEST * 4):
            if isinstance(reference := schema.get("$ref"), str):
                rest = {key: part for key, part in schema.items() if key != "$ref"}
                schema = _merged(self._at(reference), rest)
            elif isinstance(parts := schema.get("allOf"), list):
                schema = {key: part for key, part in schema.items() if key != "allOf"}
                for part in parts:
                    schema = _merged(schema, self._resolved(part, depth + 1) if depth < DEEPEST else part)
            else:
                break
        return schema

    def _at(self, reference: str) -> Json:
        found: Any = self.root
        for step in reference.removeprefix("#").strip("/").split("/"):
            if step:
                found = found.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, dict) else {}
        return found if isinstance(found, dict) else {}

    def _branch(self, choices: list[Any], depth: int) -> Json:
        branches = [self._resolved(choice, depth) if isinstance(choice, dict) else {} for choice in choices]
        plain = [branch for branch in branches if branch.get("type") != "null"]
        if depth < DEEPEST:
            return (plain or branches)[0]
        # A schema that contains itself ends here, by the branch that nests least.
        return min(branches, key=lambda branch: (branch.get("type") in ("object", "array"), "properties" in branch))

    def _type(self, schema: Json, depth: int) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = (
                "null" if depth >= DEEPEST and "null" in kind else next((one for one in kind if one != "null"), "null")
            )
        if isinstance(kind, str):
            return kind
        return "object" if "properties" in schema else "array" if "items" in schema else "string"

    def _member(self, members: list[Any]) -> Any:
        if all(isinstance(member, str) for member in members):
            return words.most_mentioned(self.text, members)
        return members[words.number(self.text + json.dumps(members), len(members))]

    def _object(self, schema: Json, depth: int) -> Json:
        properties: Json = schema.get("properties") or {}
        wanted = list(schema.get("required") or [])
        if not wanted and depth < DEEPEST:
            wanted = list(properties)
        least = int(schema.get("minProperties", 0))
        wanted += [name for name in properties if name not in wanted][: max(0, least - len(wanted))]
        extra = schema.get("additionalProperties", True)
        made = {name: self.value(properties.get(name, extra), name, depth + 1) for name in wanted}
        for place in range(least - len(made)):
            made[f"item_{place + 1}"] = self.value(extra, "item", depth + 1)
        return made

    def _array(self, schema: Json, name: str, depth: int) -> list[Any]:
        before: list[Any] = [self.value(item, name, depth + 1) for item in schema.get("prefixItems") or []]
        least, most = int(schema.get("minItems", 0)), schema.get("maxItems")
        usual = 0 if depth >= DEEPEST else 1 if depth > 1 or schema.get("uniqueItems") else 2
        count = max(least, usual) if most is None else min(max(least, usual), int(most))
        items = schema.get("items", True)
        if items is False or count <= len(before):
            return before
        made = list(before)
        for item in self._distinct(items, name, depth):
            if not schema.get("uniqueItems") or item not in made:
                made.append(item)
            if len(made) >= count:
                break
        return made

    def _distinct(self, items: Any, name: str, depth: int) -> Iterator[Any]:
        """Endless values for one item schema, each from its own word of the text."""
        if isinstance(items, dict) and (members := self._resolved(items, depth).get("enum")):
            yield from sorted(members, key=lambda one: not (isinstance(one, str) and words.mentions(self.text, one)))
        singles = words.keywords(self.text) or ["one"]
        for turn in range(10_000):
            word = singles[turn % len(singles)]
            about = word if turn < len(singles) else f"{word} {turn // len(singles) + 1}"
            yield _Writer(self.root, about).value(items, name, depth + 1)

    def _number(self, schema: Json, name: str, *, whole: bool) -> float:
        low, high = _bounds(schema, whole=whole)
        step = schema.get("multipleOf") or (1 if whole else 0)
        likely = 0.9 if re.search(r"confidence|score|probab|ratio", name.lower()) else 3.0
        found = [float(number) for number in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])", self.text)]
        for candidate in [*found, likely, 1.0]:
            if low <= candidate <= high and (not step or math.isclose(candidate / step, round(candidate / step))):
                return candidate
        base = low if low > -math.inf else min(high, 0.0)
        if not step:
            return (low + high) / 2 if low > -math.inf and high < math.inf else base
        up = math.ceil(base / step - 1e-9) * step
        return up if up <= high else math.floor(high / step + 1e-9) * step

    def _string(self, schema: Json, name: str) -> str:
        if pattern := schema.get("pattern"):
            return patterns.example(str(pattern), [*words.keywords(self.text), self.text, *FORMATS.values()])
        if known := FORMATS.get(str(schema.get("format"))):
            return words.address(self.text) or known if schema.get("format") in ("uri", "url") else known
        made = words.fitting(name, self.text)
        least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
        made = made.ljust(least, ".")
        return made if most is None else made[: int(most)]


def _bounds(schema: Json, *, whole: bool) -> tuple[float, float]:
    # An open bound is moved inside by one whole step, or by a little.
    little = 1.0 if whole else 1e-3
    low, high = float(schema.get("minimum", -math.inf)), float(schema.get("maximum", math.inf))
    for key, toward in (("exclusiveMinimum", 1), ("exclusiveMaximum", -1)):
        bound = schema.get(key)
        if isinstance(bound, int | float) and not isinstance(bound, bool):
            moved = bound + toward * little
            low, high = (max(low, moved), high) if toward > 0 else (low, min(high, moved))
    return low, high


def _merged(one: Json, other: Json) -> Json:
    both = {**one, **other}
    if "properties" in one and "properties" in other:
        both["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        both["required"] = list(dict.fromkeys([*one["required"], *other["required"]]))
    return both
