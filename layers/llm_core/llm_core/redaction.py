"""Nothing secret leaves: keys are struck out of every log line and error body."""

from __future__ import annotations

import json
import re
from contextvars import ContextVar

STRUCK = "***"

_KEY = re.compile(
    r"sk-(?:proj|ant|or|svcacct|admin)-[A-Za-z0-9*_.\-]{6,}"  # ours and OpenAI's, Anthropic's, OpenRouter's
    r"|sk-[A-Za-z0-9_]{16,}"
    r"|sk-[A-Za-z0-9_\-]*\*{3,}[A-Za-z0-9*_\-]*"  # OpenAI's own way of masking one
)
"""What looks like a key, wherever it begins: a letter, an underscore or an escape may stand right before it."""

_KEY_ID = re.compile(r"sk-proj-[A-Za-z0-9]{12}")
"""A key's public id may be seen: it is how an operator and a user speak of a key."""

SHORTEST = 8
"""A shorter secret would strike out ordinary words."""

_known: set[str] = set()
_of_request: ContextVar[tuple[str, ...]] = ContextVar("of_request", default=())


def remember(secret: str) -> None:
    """From now on this exact value is struck out wherever it appears, whatever it looks like."""
    _known.update(_forms(secret))


def remember_for_request(secret: str) -> None:
    """The same, until this request is over: callers' own keys are too many to be remembered for ever."""
    _of_request.set((*_of_request.get(), *_forms(secret)))


def begin_request() -> None:
    """What was remembered for the request before is forgotten."""
    _of_request.set(())


def _forms(secret: str) -> tuple[str, ...]:
    """As it stands in text, and in JSON."""
    return (secret, json.dumps(secret)[1:-1]) if len(secret) >= SHORTEST else ()


def redact(text: str) -> str:
    """The text without anything that is or looks like a key."""
    for secret in (*_known, *_of_request.get()):
        if secret in text:
            text = text.replace(secret, STRUCK)
    return _KEY.sub(lambda found: found[0] if _KEY_ID.fullmatch(found[0]) else f"sk-{STRUCK}", text)
