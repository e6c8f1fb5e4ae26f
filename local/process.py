"""A child process that never outlives us."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from subprocess import DEVNULL

_LEASH = str(Path(__file__).with_name("leash.py"))


class Child:
    """A running command in a process group of its own, so that Ctrl-C in the terminal reaches only its parent.

    `last_wish` is the signal that the kernel sends it if we die without a word. Output goes to `log`, or to ours.
    Must be started from the main thread: the kernel ties the leash to the thread that forked.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        last_wish: Signals = SIGTERM,
        log: Path | None = None,
        inherit: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.log = log
        out = log.open("wb") if log else None
        self._process = subprocess.Popen(  # noqa: S603 (our own command lines)
            [sys.executable, "-IS", _LEASH, str(os.getpid()), str(int(last_wish)), *command],
            env=dict(environment),
            cwd=directory,
            stdin=DEVNULL,
            stdout=out,
            stderr=out,
            pass_fds=tuple(inherit),
            process_group=0,
        )
        if out:
            out.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, number: Signals) -> None:
        """Send a signal; a process that has ended already is fine."""
        if self.alive:
            self._process.send_signal(number)

    def stop(self, number: Signals = SIGTERM, patience: float = 5.0) -> None:
        """Ask it to end, wait `patience` seconds, then end it and whatever it started."""
        self.send(number)
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, SIGKILL)
            self._process.wait()

    def last_words(self) -> str:
        """The last line that it wrote, for an error message; '' when it wrote none or writes to our terminal."""
        return next((line.strip() for line in reversed(self.log_text.split("\n")) if line.strip()), "")

    @property
    def log_text(self) -> str:
        """All that it wrote to its log."""
        return self.log.read_text(errors="replace") if self.log and self.log.exists() else ""
