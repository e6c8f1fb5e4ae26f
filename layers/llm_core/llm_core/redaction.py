"""Nothing secret leaves: keys are struck out of every log line and error body."""

from __future__ import annotations

import json
import re

STRUCK = "***"

_KEY = re.compile(
    r"sk-(?:proj|ant|or|svcacct|admin)-[A-Za-z0-9*_.\-]{6,}"  # ours and OpenAI's, Anthropic's, OpenRouter's
    r"|sk-[A-Za-z0-9_]{16,}"
    r"|sk-[A-Za-z0-9_\-]*\*{3,}[A-Za-z0-9*_\-]*"  # OpenAI's own way of masking one
)
"""What looks like a key, wherever it begins: a letter, an underscore or an escape may stand right before it."""

_KEY_ID = re.compile(r"sk-proj-[A-Za-z0-9]{12}")
"""A key's public id may be seen: it is how an operator and a user speak of a key."""

_known: set[str] = set()


def remember(secret: str) -> None:
    """From now on this exact value is struck out wherever it appears, whatever it looks like."""
    if len(secret) >= 8:  # a shorter one would strike out ordinary words
        _known.update((secret, json.dumps(secret)[1:-1]))  # as it stands in text, and in JSON


def redact(text: str) -> str:
    """The text without anything that is or looks like a key."""
    for secret in tuple(_known):
        if secret in text:
            text = text.replace(secret, STRUCK)
    return _KEY.sub(lambda found: found[0] if _KEY_ID.fullmatch(found[0]) else f"sk-{STRUCK}", text)
