"""What is looked at before a tool is given anything: commands that destroy, and personal data that would leave."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

_DESTRUCTIVE = {
    "deletes files": r"\brm\s+(-\w+\s+)*-\w*[rf]|\brmdir\s+/s|\bdel\s+/[sfq]|\bshred\b|\bmkfs\b|\bdd\s+if=",
    "drops data": r"\b(drop|truncate)\s+(table|database|schema|index)\b|\bdelete\s+from\s+\w+\s*(;|$)",
    "stops machines": r"\b(shutdown|reboot|halt|poweroff)\s+(-\w|now)|\bkill\s+-9\b|:\(\)\s*\{\s*:\|:&\s*\};:",
    "rewrites history": r"\bgit\s+push\s+.*--force\b|\bgit\s+reset\s+--hard\b",
    "runs what it fetches": r"\b(curl|wget)\b[^|\n]*\|\s*(sudo\s+)?(ba|z)?sh\b",
    "takes down an estate": r"\bterraform\s+destroy\b|\bcloudformation\s+delete-stack\b|\bkubectl\s+delete\b",
}
_PERSONAL = {
    "an e-mail address": r"\b[\w.+-]+@[\w-]+(\.[\w-]+)+\b",
    "a US social security number": r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b",
    "an IBAN": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b",
    "a phone number": r"(?<![\w.])\+\d{1,3}[ -]?(\(\d{1,4}\)[ -]?)?\d{2,4}([ -]?\d{2,4}){2,4}\b",
}
_CARD = re.compile(r"\b\d(?:[ -]?\d){12,18}\b")

_COMPILED = {
    "destructive": {what: re.compile(pattern, re.IGNORECASE) for what, pattern in _DESTRUCTIVE.items()},
    "pii": {what: re.compile(pattern) for what, pattern in _PERSONAL.items()},
}


def objection(checks: Iterable[str], arguments: Mapping[str, Any]) -> str:
    """Why a tool must not be given this, for the model to read; "" for no reason. The thing itself is not repeated."""
    text = json.dumps(arguments, ensure_ascii=False)
    for check in checks:
        found = next((what for what, pattern in _COMPILED[check].items() if pattern.search(text)), "")
        if check == "pii" and not found and any(_is_card(each) for each in _CARD.findall(text)):
            found = "a card number"
        if found and check == "destructive":
            return f"Refused: this {found}, which no tool here may be asked for."
        if found:
            return f"Refused: this contains {found}. Leave personal data out."
    return ""


def _is_card(text: str) -> bool:
    """By its check digit (Luhn)."""
    digits = [int(sign) for sign in text if sign.isdigit()][::-1]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def canonical(name: str, arguments: Mapping[str, Any]) -> str:
    """The same for two calls that ask for the same thing."""
    return f"{name} {json.dumps(arguments, sort_keys=True, ensure_ascii=False)}"
