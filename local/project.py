"""Where a checkout keeps its things, and the one error that a person is meant to read."""

import fcntl
import json
import shlex
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).resolve().parent.parent


class CannotStart(Exception):
    """Something on this machine is in the way. The message is one line that says what, and what to do about it."""


@dataclass(frozen=True)
class Project:
    """A source tree in Drey's shape (template.yaml, samconfig.toml, functions/, layers/) and the place of its state.

    `home` is the checkout whose virtual environments and `local` package are used: the same as `root`, except in tests.
    """

    root: Path = HERE
    state: Path | None = None
    home: Path = HERE

    @property
    def template(self) -> Path:
        return self.root / "template.yaml"

    @property
    def sources(self) -> list[Path]:
        """The source roots, as they must stand on a door's import path."""
        return [self.root / "functions", *sorted(p for p in (self.root / "layers").glob("*") if p.is_dir())]

    @property
    def kept(self) -> Path:
        """The directory of everything that outlives a run: emulated tables, logs, lock."""
        return self.state or self.root / ".local" / "state"

    @property
    def key(self) -> Path:
        """The file with the API key of this checkout, readable by its owner only."""
        return self.state / "key" if self.state else self.root / ".local" / "key"

    @property
    def user(self) -> Path:
        """The file with the name and password of this checkout's own person, readable by its owner only."""
        return self.key.with_name("user")

    @property
    def running(self) -> Path:
        """Written while a run is up: its addresses, its key and the doors' environment (JSON)."""
        return self.kept / "running.json"

    @property
    def logs(self) -> Path:
        return self.kept / "logs"

    @property
    def traces(self) -> Path:
        """What X-Ray would keep: a segment or subsegment a line (JSON)."""
        return self.logs / "traces.jsonl"

    @property
    def emulator(self) -> Path:
        """The emulator's program in its own virtual environment: it pins botocore exactly, so it cannot share ours."""
        return self.home / ".local" / "venvs" / "emulator" / "bin" / "ministack"

    def stack_name(self, stage: str) -> str:
        """The CloudFormation stack of a stage, from samconfig.toml.

        Raises CannotStart when samconfig.toml has no such stage.
        """
        name = self._samconfig.get(stage, {}).get("deploy", {}).get("parameters", {}).get("stack_name")
        if not name:
            stages = ", ".join(k for k, v in self._samconfig.items() if isinstance(v, dict))
            raise CannotStart(f"samconfig.toml has no stage {stage!r} with a stack_name; it has: {stages}")
        return str(name)

    def stage_parameters(self, stage: str) -> dict[str, str]:
        """The template parameters that samconfig.toml sets for a stage: {name: value}."""
        return self._parameters(stage, "global", "deploy")

    def site_parameters(self, stage: str) -> dict[str, str]:
        """Those of stacks/frontend.yaml, which stand in the stage's table `site`: {name: value}."""
        return self._parameters(stage, "site")

    def _parameters(self, stage: str, *verbs: str) -> dict[str, str]:
        tables = self._samconfig.get(stage, {})
        pairs = " ".join(tables.get(verb, {}).get("parameters", {}).get("parameter_overrides", "") for verb in verbs)
        return dict(pair.split("=", 1) for pair in shlex.split(pairs))

    def now_running(self) -> dict[str, Any]:
        """What a run of this checkout wrote about itself.

        Raises CannotStart when nothing runs.
        """
        try:
            self._locked().close()
        except BlockingIOError:
            if self.running.exists():
                found: dict[str, Any] = json.loads(self.running.read_text())
                return found
        raise CannotStart("Nothing runs in this checkout. Start it in another terminal: make run")

    def lock(self) -> IO[str]:
        """Make this the checkout's only run, until the file is closed or the process ends, however it ends.

        Raises CannotStart when there is another.
        """
        try:
            file = self._locked()
        except BlockingIOError:
            other = json.loads(self.running.read_text()) if self.running.exists() else {}
            where = f" at {other['url']} (process {other['pid']})" if other else ""
            raise CannotStart(
                f"This checkout runs already{where}. Stop that one first, or use a second checkout"
            ) from None
        self.running.unlink(missing_ok=True)  # left by a run that was killed
        return file

    def _locked(self) -> IO[str]:
        self.kept.mkdir(parents=True, exist_ok=True)
        file = (self.kept / "lock").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise
        return file

    @cached_property
    def _samconfig(self) -> dict[str, Any]:
        path = self.root / "samconfig.toml"
        return tomllib.loads(path.read_text()) if path.exists() else {}
