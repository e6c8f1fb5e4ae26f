"""What a reviewer is shown of a changed prompt: by blocks."""

from __future__ import annotations

import subprocess
import sys

from gates.prompt_diff import differences, read
from llm_core.prompts.library import FOLDER
from tests.conftest import ROOT

BEFORE = {"role": "You sort.", "constraints": "One label.\nNo more.", "examples": "None."}


def test_only_blocks_that_changed_are_shown_line_by_line() -> None:
    after = {**BEFORE, "constraints": "One label.\nNever more."}
    assert list(differences(BEFORE, after)) == [
        "block constraints changed",
        "   One label.",
        "  -No more.",
        "  +Never more.",
    ]


def test_new_lost_and_moved_blocks_are_named() -> None:
    after = {"constraints": BEFORE["constraints"], "role": BEFORE["role"], "tone": "Dry."}
    assert list(differences(BEFORE, after)) == [
        "block examples is gone",
        "  -None.",
        "block tone is new",
        "  +Dry.",
        "the blocks' order is now constraints, role, tone",
    ]


def test_what_is_the_same_has_no_difference() -> None:
    _, blocks = read((FOLDER / "classify.toml").read_text())
    assert list(differences(blocks, dict(blocks))) == []


def run(*options: str) -> subprocess.CompletedProcess[str]:
    variables = {"PYTHONPATH": "layers/llm_core:functions:.", "NO_COLOR": "1", "PATH": "/usr/bin:/bin:/usr/local/bin"}
    command = [sys.executable, "-m", "gates.prompt_diff", "classify", *options]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


def test_a_commit_that_is_none_is_told() -> None:
    done = run("--since", "no-such-commit")
    assert (done.returncode, done.stdout.strip()) == (2, "git knows no commit 'no-such-commit' here.")
