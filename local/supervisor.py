"""`make run`: starts everything, restarts the doors when their code changes, stops everything."""

import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from watchfiles import watch

from local.estate import PROVIDERS, Estate
from local.process import Child
from local.project import CannotStart, Project
from local.screen import Screen, complain

_WATCHED = {".py", ".json", ".yaml", ".yml", ".md", ".txt", ".html"}
_PATIENCE_S = 60.0
_TICK_MS = 250


class _Stop(BaseException):
    """A signal asked us to end: raised in the main thread, wherever it is."""


class Supervisor:
    """One run. `run` returns when the person (or a signal) ends it, everything stopped; it raises CannotStart."""

    def __init__(self, project: Project, port: int, *, quiet: bool = False, ready: Path | None = None) -> None:
        self.project = project
        self.port = port
        self.quiet = quiet
        self.ready = ready
        self.screen = Screen(quiet=quiet)
        self.url = f"http://127.0.0.1:{port}"
        self.estate = Estate(project, f"{self.url}/_lambda", self.screen)
        self.doors: Child | None = None
        self._drained: list[Child] = []
        self._socket: socket.socket

    def run(self) -> None:
        """Start, announce, watch, until a signal comes."""
        began = time.monotonic()
        with _signals(), self.project.lock():
            if self.ready:
                self.ready.unlink(missing_ok=True)
            try:
                self._socket = _listen(self.port)
                _set_aside(self.project.logs / "doors.jsonl")
                self.estate.open()
                with self.screen.step("Doors"):
                    told = self._start_doors()
                self._announce(told["key"], time.monotonic() - began)
                self._watch()
            except (_Stop, KeyboardInterrupt):  # the watcher turns the one into the other
                self.screen.say("\nStopping ...")
            finally:
                self._close()

    def _start_doors(self, because: str = "") -> dict[str, Any]:
        """Start the doors' process. Without `because` wait for what it tells; a later one tells the person itself."""
        reading, writing = os.pipe()
        command = [sys.executable, "-m", "local.server", "--root", str(self.project.root)]
        command += ["--state", str(self.project.state)] if self.project.state else []
        command += ["--socket", str(self._socket.fileno()), "--tell", str(writing)]
        command += ["--parameters", json.dumps(self.estate.template.parameters), "--because", because]
        command += ["--pool", self.estate.deployment.outputs.get("UserPoolId", "")]
        command += ["--quiet"] if self.quiet else []
        command += ["--doors", *self.estate.deployment.doors]
        try:
            self.doors = Child(
                "doors",
                command,
                environment=self.estate.process_environment(os.environ),
                directory=self.project.home,
                last_wish=signal.SIGINT,
                inherit=(self._socket.fileno(), writing),
            )
        finally:
            os.close(writing)
        with os.fdopen(reading) as pipe:
            if because:
                return {}
            readable, _, _ = select.select([pipe], [], [], _PATIENCE_S)
            line = pipe.readline() if readable else ""
        if not line:
            raise CannotStart("The doors' process ended before it could say why; see above")
        told: dict[str, Any] = json.loads(line)
        return told

    def _announce(self, key: str | None, seconds: float) -> None:
        assert self.estate.emulator  # noqa: S101 (opened by run)
        facts = {
            "url": self.url,
            "key": key,
            "emulator": self.estate.emulator.url,
            "understudy": self.estate.understudy_url,
            "environment": self.estate.doors_environment,
            "outputs": self.estate.deployment.outputs,
            "person": self.estate.person,
            "pid": os.getpid(),
        }
        for path in filter(None, (self.project.running, self.ready)):
            _write(path, json.dumps(facts, indent=2))
        self.screen.welcome(
            url=self.url,
            key=key,
            person=self.estate.person,
            providers=self._providers(),
            usage=".venv/bin/python -m local usage",
            logs=self.project.logs,
            seconds=seconds,
        )

    def _providers(self) -> str:
        played = " and ".join(self.estate.played)
        if not played:
            return "the real providers, with the keys of your shell: calls cost money"
        said = f"{played} played by the understudy at {self.estate.understudy_url}"
        return said if len(self.estate.played) == len(PROVIDERS) else f"{said}; real calls otherwise, which cost money"

    def _watch(self) -> None:
        sources = [path for path in (self.project.root / "functions", self.project.root / "layers") if path.exists()]
        template = self._stamps()
        ticks = watch(
            *sources, watch_filter=_watched, debounce=150, step=50, rust_timeout=_TICK_MS, yield_on_timeout=True
        )
        restarted = 0.0
        for changes in ticks:
            if dead := self.estate.dead():
                raise CannotStart(dead)
            self._drained = [child for child in self._drained if child.alive]
            files = sorted({_relative(Path(path), self.project.root) for _, path in changes})
            because = f"{', '.join(files)} changed" if files else ""
            if (now := self._stamps()) != template:
                template = now
                try:
                    self.estate.deploy()
                except CannotStart as error:
                    complain(f"{error}\nThe estate stays as it was until template.yaml changes again.")
                    continue
                because = "template.yaml changed"
            if self.doors and not self.doors.alive and not because and time.monotonic() - restarted > 2:
                because = "The doors' process had ended"
            if because:
                restarted = time.monotonic()
                self._replace_doors(because)

    def _stamps(self) -> list[tuple[int, int]]:
        """Of template.yaml and the stacks nested in it: they change when one of these does."""
        return [_stamp(path) for path in (self.project.template, *sorted(self.project.root.glob("stacks/*.yaml")))]

    def _replace_doors(self, because: str) -> None:
        if self.doors:
            self.doors.send(signal.SIGTERM)
            self._drained.append(self.doors)
        self._start_doors(because)

    def _close(self) -> None:
        # A second Ctrl-C must not keep the emulator from writing its state.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        current = [self.doors] if self.doors else []
        for child in [*current, *self._drained]:
            child.send(signal.SIGINT)
        for child in [*current, *self._drained]:
            child.stop(signal.SIGINT, patience=3)
        self.estate.close()
        self.project.running.unlink(missing_ok=True)


def _set_aside(log: Path) -> None:
    """The log of the run before is kept: it may hold the only trace of a row that was lost."""
    with suppress(FileNotFoundError):
        log.replace(log.with_suffix(".previous.jsonl"))


@contextmanager
def _signals() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        raise _Stop

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    yield


def _listen(port: int) -> socket.socket:
    """The one socket of the front door. It outlives each doors' process, so a request during a change just waits."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen(2048)
    except (OSError, OverflowError) as error:
        listening.close()
        raise CannotStart(
            f"Port {port} cannot be used ({getattr(error, 'strerror', None) or error})."
            f" Choose another: PORT={port + 1} make run"
        ) from None
    return listening


def _watched(_change: object, path: str) -> bool:
    return Path(path).suffix in _WATCHED and "__pycache__" not in path and not Path(path).name.startswith(".")


def _stamp(path: Path) -> tuple[int, int]:
    with suppress(FileNotFoundError):  # some editors replace a file by a new one
        found = path.stat()
        return found.st_mtime_ns, found.st_size
    return 0, 0


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _write(path: Path, text: str) -> None:
    """Write a file that holds a key: for its owner only, and never seen half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)
