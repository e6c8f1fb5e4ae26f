"""What one race is to be, and the journal in which everybody writes what he did: it outlives whoever is killed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

NOW = time.time
"""The machine's own clock: a race may turn the one that its callers see."""


@dataclass(frozen=True)
class Account:
    """To be opened before the race. `month` is its limit in nano-USD, None for none."""

    name: str
    parent: str | None
    month: int | None = None
    shards: int = 1


@dataclass(frozen=True)
class Plan:
    """`accounts` from the top; under the last of them each of `keys` keys has an account with the limit `key_month`."""

    folder: str
    user: str
    model: str
    accounts: list[Account]
    keys: int = 1
    key_month: int | None = None
    calls: int = 200
    processes: int = 4
    threads: int = 4
    quota: int = 12
    """Calls that one process makes, each on one of its threads, before another takes its place."""

    killed: float = 0.2
    """Share of the calls whose process is killed (-9) while they are under way."""

    frozen: int = 0
    """Processes that stand still until after their leases, and go on then."""

    moved: list[str] = field(default_factory=list)
    """Accounts whose limit goes up and down around what is spent; `key` stands for the keys' own."""

    step: int = 1_500_000
    """nano-USD: about the ceiling of one call."""

    seconds: float = 8
    """What Lambda gives one call."""

    lease_s: int = 1
    """How long after its deadline a call may settle by itself: 60 s in the product."""

    ahead_s: float = 0
    """How far the callers' clocks are ahead of the machine's."""

    skew_s: float = 0.2
    """How far they differ among each other."""

    seed: int = 1

    def save(self) -> Path:
        path = Path(self.folder) / "plan.json"
        path.write_text(json.dumps(asdict(self)))
        return path

    @classmethod
    def load(cls, path: Path) -> Plan:
        told = json.loads(path.read_text())
        return cls(**{**told, "accounts": [Account(**account) for account in told["accounts"]]})

    def open_journal(self) -> Journal:
        return Journal(Path(self.folder) / "journal.jsonl")

    @property
    def keys_file(self) -> Path:
        return Path(self.folder) / "keys.json"

    def write_keys(self, keys: list[str]) -> None:
        """At once, or not at all."""
        made = self.keys_file.with_suffix(".new")
        made.write_text(json.dumps(keys))
        made.replace(self.keys_file)

    def read_keys(self) -> list[str]:
        """The API keys, once they are made."""
        keys: list[str] = json.loads(self.keys_file.read_text())
        return keys


class Journal:
    """One line an act, each in one write: a killed process leaves whole lines."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._read = 0

    def write(self, what: str, **facts: Any) -> None:
        line = json.dumps({"at": NOW(), "pid": os.getpid(), "what": what, **facts})
        os.write(self._file, line.encode() + b"\n")

    def news(self) -> Iterator[dict[str, Any]]:
        """The lines that were not read before."""
        while block := os.pread(self._file, 1 << 20, self._read):
            whole = block[: block.rfind(b"\n") + 1]
            if not whole:
                return
            self._read += len(whole)
            yield from map(json.loads, whole.splitlines())
