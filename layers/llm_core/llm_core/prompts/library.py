"""The prompt of a use case, read from its file once per process."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from pathlib import Path

from llm_core.errors import NotFound
from llm_core.messages import Instructions

FOLDER = Path(__file__).parent


@cache
def prompt(use_case: str) -> Instructions:
    """The blocks of `<use_case>.toml`, in their order. Raises NotFound for a use case without one."""
    file = FOLDER / f"{use_case}.toml"
    if not use_case.isidentifier() or len(use_case) > 60 or not file.exists():
        raise NotFound(f"There is no prompt for the use case {use_case[:60]!r}.")
    told = tomllib.loads(file.read_text())
    blocks = tuple((block["name"], block["text"].strip()) for block in told["block"])
    return Instructions(use_case, told["version"], blocks)


def fingerprint(instructions: Instructions) -> str:
    """What changes with every letter of the prompt: versions.json keeps it beside the version."""
    return hashlib.sha256(instructions.as_xml().encode()).hexdigest()[:16]
