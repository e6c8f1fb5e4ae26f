"""Answers that were given once: a file each, found by the canonical request that they answer."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from llm_core import fitting, pricing, routing
from llm_core.aws.stage_catalog import catalog
from llm_core.catalog import Model
from llm_core.messages import Request
from llm_core.providers import directory
from llm_core.providers.streaming import Streaming
from llm_core.redaction import redact

FOLDER = Path(__file__).with_name("recordings")

UNDERSTUDY = "understudy"
"""Who said the answers that people wrote by hand (scripts/): no model did."""


@dataclass(frozen=True)
class Asked:
    """A request as one provider gets it. `place` is `<suite>/<case>`, the judge's with `.judge` behind."""

    place: str
    request: Request

    @cached_property
    def model(self) -> Model:
        """The first of those that the request's model stands for."""
        return routing.plan(self.request.model, catalog()).candidates[0]

    @property
    def room(self) -> Streaming:
        return directory.provider(self.model.provider)

    @cached_property
    def body(self) -> dict[str, Any]:
        fitting.check(self.request, self.model, self.room.dialect)
        return self.room.body(self.request, self.model, fitting.output_limit(self.request, self.model))

    @cached_property
    def key(self) -> str:
        """The canonical request's: changes with every letter of prompt and case, every parameter, and the provider."""
        canonical = json.dumps([self.model.provider, self.room.path, self.body], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @property
    def ceiling(self) -> int:
        """nano-USD that asking can cost at most."""
        tokens = len(json.dumps(self.body).encode()) + fitting.OVERHEAD
        return pricing.ceiling(self.model, tokens, fitting.output_limit(self.request, self.model))

    def __str__(self) -> str:
        return f"{self.place} by {self.model.name}"


@dataclass(frozen=True)
class Recording:
    """`by` is who answered: the provider, or the understudy. `answer` is the provider's JSON, struck of secrets."""

    key: str
    place: str
    model: str
    by: str
    on: str
    latency_ms: int
    answer: dict[str, Any]


class Missing(LookupError):
    """Nobody has answered this request yet."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        super().__init__(f"{asked}: no recording has the key {asked.key}")


class Archive:
    """The recordings of a folder; remembers which were used."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self._files = {file.stem.rpartition(".")[2]: file for file in folder.rglob("*.json")}
        self.used: set[str] = set()

    def find(self, asked: Asked) -> Recording:
        """Raises Missing."""
        file = self._files.get(asked.key)
        if file is None:
            raise Missing(asked)
        self.used.add(asked.key)
        return Recording(**json.loads(file.read_text()))

    def keep(self, asked: Asked, answer: dict[str, Any], by: str, latency_ms: int) -> Recording:
        """Write it down without anything that is or looks like a key."""
        clean = json.loads(redact(json.dumps(answer)))
        today = datetime.now(UTC).date().isoformat()
        recording = Recording(asked.key, asked.place, asked.model.name, by, today, latency_ms, clean)
        file = self.folder / f"{asked.place}.{asked.model.provider}.{asked.key}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(recording), indent=1, ensure_ascii=False) + "\n")
        self._files[asked.key] = file
        self.used.add(asked.key)
        return recording

    def unused(self, suite: str) -> list[Path]:
        """What no case of this suite asks for any more."""
        return sorted(f for key, f in self._files.items() if f.parent.name == suite and key not in self.used)
