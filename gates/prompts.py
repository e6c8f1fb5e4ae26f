"""A prompt change is a code change: a text has a version, and a version has been evaluated."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from llm_core.prompts import library
from llm_core.prompts.library import fingerprint


def unrecorded(folder: Path) -> list[str]:
    """What is wrong between the prompts of a folder and its versions.json; nothing, when each text has its version."""
    recorded = json.loads((folder / "versions.json").read_text())
    wrong = [f"{name}: versions.json lists it, and there is no such prompt" for name in recorded]
    for file in sorted(folder.glob("*.toml")):
        told = library.prompt(file.stem)
        known = recorded.get(file.stem, {})
        wrong = [each for each in wrong if not each.startswith(f"{file.stem}:")]
        print_now = fingerprint(told)
        if str(told.version) not in known:
            wrong.append(f"{file.stem}: version {told.version} is not in versions.json: add {print_now!r}")
        elif known[str(told.version)] != print_now:
            wrong.append(
                f"{file.stem}: its text changed without a new version: raise it, and add {print_now!r} to versions.json"
            )
        elif told.version != max(map(int, known)):
            wrong.append(f"{file.stem}: version {told.version} is older than what versions.json lists")
    return wrong


def unevaluated(folder: Path, results: Mapping[str, Any]) -> Iterator[str]:
    """The prompts of a folder whose text, under its version, evals/results.json has no run of."""
    for file in sorted(folder.glob("*.toml")):
        told = library.prompt(file.stem)
        entry = results.get(file.stem, {}).get(str(told.version), {})
        if entry.get("prompt") != fingerprint(told):
            yield (
                f"{file.stem}: version {told.version} has not been evaluated: `make evals LIVE=1 SUITE={file.stem}` "
                f"asks the models the cases of evals/suites/{file.stem}.yaml and records them"
            )
