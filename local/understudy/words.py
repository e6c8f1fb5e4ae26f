"""Reading a prompt's words: its subject, its names, its labels. Everything here is deterministic."""

import hashlib
import re

STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a about above after again all also am an and any are as at be because been before being below between
        both but by can could did do does doing down during each few for from further give had has have having
        he hello help her here hers hey hi him his how i if in into is it its just kindly let me more most my
        no nor not now of off on once one only or other our out over own please same say she should show so
        some such tell than thank thanks that the their them then there these they this those through to too
        under until up us use using very want was we were what when where which while who whom why will with
        would write you your
        """,
    )
)


def number(text: str, below: int) -> int:
    """A number from 0 to `below` - 1 that depends on nothing but the text."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8]) % below


def keywords(text: str) -> list[str]:
    """The words that carry meaning, each once, in their order."""
    found = re.findall(r"\w[\w'-]*", text)
    return list(dict.fromkeys(word for word in found if word.lower() not in STOP_WORDS and len(word) > 1))


def subject(text: str, most: int = 5) -> str:
    """What the text is about, in a few of its own words."""
    return " ".join(keywords(text)[:most]) or text.strip()[:40] or "nothing in particular"


def beginning(text: str, most: int = 12) -> str:
    """The first words of a text, on one line."""
    parts = text.split()
    return " ".join(parts[:most])[:120] + ("..." if len(parts) > most else "")


def mentions(text: str, name: str) -> int:
    """How often the text contains the name, written with spaces, underscores, dashes or nothing between its parts."""
    parts = re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name))
    if not parts:
        return 0
    return len(re.findall(r"(?<!\w)" + r"[\W_]*".join(map(re.escape, parts)) + r"(?!\w)", text, re.I))


def most_mentioned(text: str, names: list[str]) -> str:
    """The name the text says most often; when it says none, one that depends on the text alone."""
    best = max(names, key=lambda name: mentions(text, name))
    return best if mentions(text, best) else names[number(text + "\0".join(names), len(names))]


def overlap(text: str, other: str) -> int:
    """How many meaningful words two texts share."""
    return len({word.lower() for word in keywords(text)} & {word.lower() for word in keywords(other)})


def address(text: str) -> str | None:
    found = re.search(r"https?://[^\s\"'<>)\]]+", text)
    return found.group().rstrip(".,;:!?") if found else None


def name_in(text: str) -> str | None:
    """A proper name: after a preposition, else a capitalised word that does not start a sentence."""
    after = re.search(r"\b(?:in|for|of|from|at|to|near)\s+((?:[A-Z]\w+)(?:\s+[A-Z]\w+)*)", text)
    inside = after or re.search(r"(?<![.!?:])(?<!^)\s((?:[A-Z]\w+)(?:\s+[A-Z]\w+)*)", text)
    return inside.group(1) if inside else None


def fitting(name: str, text: str) -> str:
    """A text for a field of this name."""
    field = name.lower()
    if re.search(r"url|uri|link|href", field):
        return address(text) or "https://example.com/"
    if re.search(r"city|place|location|country|person|company|symbol|ticker|title|(^|_)name$", field):
        return name_in(text) or subject(text, 2)
    if re.search(r"text|content|document|input|question|query|prompt|message|body", field):
        return text.strip() or subject(text)
    if re.search(r"date|day", field):
        found = re.search(r"\d{4}-\d{2}-\d{2}", text)
        return found.group() if found else "2026-01-15"
    if re.search(r"id$|^id_", field):
        found = re.search(r"\b(?=\w*\d)[\w-]+", text)
        return found.group() if found else f"{field or 'id'}-1"
    return subject(text)


def labels(text: str) -> list[str]:
    """The labels a prompt offers: 'labels: a, b, c', 'one of: a, b or c', 'labels: ["a", "b"]'."""
    found = re.search(r"(?:labels?|categories|classes|one of)[^:\n\[]{0,40}[:\[]\s*([^\n.\]]+)", text, re.I)
    parts = re.split(r",|\||;|\bor\b|\band\b", found.group(1)) if found else []
    named = [part.strip(" \t\"'`[]()*") for part in parts]
    return [name for name in named if name] if len(named) > 1 else []
