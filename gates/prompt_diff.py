"""`make prompt-diff`: what changed in a prompt since a commit, block by block, as a reviewer wants to read it."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from difflib import unified_diff

from rich.console import Console
from rich.markup import escape

from llm_core.prompts.library import FOLDER

Blocks = dict[str, str]


def read(text: str) -> tuple[int, Blocks]:
    """A prompt's version and its blocks; 0 and none for a prompt that was not there."""
    told = tomllib.loads(text)
    return told.get("version", 0), {block["name"]: block["text"].strip() for block in told.get("block", [])}


def differences(before: Blocks, after: Blocks) -> Iterator[str]:
    """A heading for each block that is not as it was, then its lines; blocks that only moved are named too."""
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        what = "is new" if old is None else "is gone" if new is None else "changed"
        yield f"block {name} {what}"
        lines = unified_diff((old or "").splitlines(), (new or "").splitlines(), lineterm="", n=1)
        yield from (f"  {line}" for line in list(lines)[2:] if not line.startswith("@@"))
    kept = [name for name in before if name in after]
    if kept != [name for name in after if name in before]:
        yield f"the blocks' order is now {', '.join(after)}"


def since(commit: str, use_case: str) -> str:
    """The prompt's file as it was; empty where it was not there yet. Raises ValueError for no commit."""
    if _git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}") is None:
        raise ValueError(f"git knows no commit {commit!r} here.")
    return _git("show", f"{commit}:./{use_case}.toml") or ""


def _git(*command: str) -> str | None:
    """What git says in the prompts' folder; None when it fails."""
    done = subprocess.run(["git", *command], cwd=FOLDER, capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout if done.returncode == 0 else None


def main() -> int:
    parser = argparse.ArgumentParser(prog="make prompt-diff")
    parser.add_argument("prompt", choices=sorted(file.stem for file in FOLDER.glob("*.toml")))
    parser.add_argument("--since", default="HEAD")
    asked = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    try:
        old, before = read(since(asked.since, asked.prompt))
    except ValueError as error:
        console.print(f"[red]{escape(str(error))}[/red]")
        return 2
    new, after = read((FOLDER / f"{asked.prompt}.toml").read_text())
    console.print(f"{asked.prompt}: version {old or 'none'} at {asked.since}, version {new} here")
    colours = {"+": "green", "-": "red"}
    lines = list(differences(before, after))
    for line in lines:
        colour = colours.get(line[2:3], "default") if line.startswith("  ") else "bold"
        console.print(f"[{colour}]{escape(line)}[/{colour}]")
    if not lines:
        console.print("No block changed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
