"""A copy of what `make evals` reads, where a test may change prompts, cases and recordings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

HOUSES = ("layers/llm_core/llm_core", "functions", "evals", "gates", "local")


@dataclass(frozen=True)
class Copy:
    root: Path

    @property
    def prompts(self) -> Path:
        return self.root / "layers/llm_core/llm_core/prompts"

    @property
    def recordings(self) -> Path:
        return self.root / "evals/recordings"

    def run(self, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """`python -m evals` there; no variables but these."""
        clean = {"PATH": os.environ["PATH"], "PYTHONPATH": "layers/llm_core:functions:.", "NO_COLOR": "1"}
        clean |= {"COLUMNS": "160", "POWERTOOLS_TRACE_DISABLED": "true", **variables}
        command = [sys.executable, "-m", "evals", *options]
        return subprocess.run(
            command, cwd=self.root, env=clean, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    for house in HOUSES:
        shutil.copytree(ROOT / house, tmp_path / house)
    return Copy(tmp_path)


@pytest.fixture
def edited(copy: Copy) -> Callable[[str, str, str], None]:
    """A file of the copy with one text for another."""

    def edit(file: str, old: str, new: str) -> None:
        path = copy.root / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return edit
