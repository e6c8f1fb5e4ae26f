"""Processes of the comparison: started, their whole tree's CPU time and memory read from the kernel, ended."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

MEBIBYTE = 1024 * 1024
_KIND_OF_CLOCK = 2  # the CPU time of a whole process, as clock_getcpuclockid(3) makes its number


class Process:
    """A command; what it prints goes to `log`, or to `output` as the stand-ins do that tell their port."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], directory: Path, log: Path | None = None
    ) -> None:
        self.began = time.monotonic()
        self.log = log
        sink = log.open("wb") if log else None
        self._process = subprocess.Popen(  # noqa: S603 - our own command lines
            command,
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=sink or subprocess.PIPE,
            stderr=subprocess.STDOUT if sink else None,
        )
        if sink:
            sink.close()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def cpu_s(self) -> float:
        """Seconds of processor that the living processes of the tree have had, threads that ended included."""
        return sum(time.clock_gettime(~pid << 3 | _KIND_OF_CLOCK) for pid in self.tree())

    @property
    def rss_mib(self) -> float:
        """Resident memory of the tree."""
        page = os.sysconf("SC_PAGE_SIZE")
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page for pid in self.tree()) / MEBIBYTE

    def line(self) -> str:
        """The next that a stand-in prints."""
        assert self._process.stdout  # noqa: S101 - it has no log
        return self._process.stdout.readline().decode().strip()

    def tree(self) -> Iterator[int]:
        """This process and all below it."""
        waiting = [self._process.pid]
        while waiting:
            pid = waiting.pop()
            yield pid
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()
