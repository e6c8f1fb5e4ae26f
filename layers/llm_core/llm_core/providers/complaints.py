"""What a provider's refusal says of itself, in its body and headers, as far as it can be believed."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from llm_core.settings import settings

_FIELD = re.compile(r"[a-z_]{1,40}([.\[][a-z0-9_.\[\]]{0,60})?")
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_DAY = 86_400


def said(body: object) -> str:
    """The sentence inside an error's body: `{"error": {"message": ...}}`, or what is inside `error` already."""
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    message = inner.get("message") if isinstance(inner, Mapping) else None
    return message if isinstance(message, str) else ""


def request_id(headers: Mapping[str, str]) -> str | None:
    """A provider's own id of a request, if it looks like one: it goes into the log."""
    value = next((headers[name] for name in ("request-id", "x-request-id", "x-amzn-requestid") if name in headers), "")
    return value if _ID.fullmatch(value) else None


def param(body: object) -> str | None:
    """The field that an error's body names, if it looks like one."""
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    named = inner.get("param") if isinstance(inner, Mapping) else None
    known = isinstance(named, str) and not settings().is_prod and _FIELD.fullmatch(named)
    return str(named) if known else None


def seconds(retry_after: str | None) -> float | None:
    """A Retry-After header in seconds, up to a day, from either of its forms."""
    try:
        told = float(retry_after or "")
    except ValueError:
        try:
            told = parsedate_to_datetime(retry_after or "").timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    return told if 0 <= told <= _DAY else None
