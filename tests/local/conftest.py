"""A sample project, and real runs of it: real emulator, real processes, real HTTP."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.emulator import client, free_port
from local.project import HERE, Project

SAMPLE = Path(__file__).with_name("sample_project")


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Run:
    """`python -m local run` of one project, in a process of its own."""

    project: Project
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)

    def start(self) -> "Run":
        self.ready = self.project.kept / "ready.json"
        self.ready.unlink(missing_ok=True)
        self.output = self.project.kept / "output.txt"
        self.output.parent.mkdir(parents=True, exist_ok=True)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*command(self.project, self.port), "--ready-file", self.ready],
                cwd=HERE,
                env=os.environ | self.environment,
                stdout=output,
                stderr=output,
            )
        wait_until(lambda: self.ready.exists() or self.process.poll() is not None, 30)
        assert self.ready.exists(), self.output.read_text()
        return self

    @property
    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.ready.read_text())
        return found

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def aws(self, service: str) -> Any:
        return client(service, self.facts["emulator"])

    def note(self, note: str) -> None:
        table = self.facts["environment"]["NOTES_TABLE_NAME"]
        self.aws("dynamodb").put_item(TableName=table, Item={"id": {"S": note}})

    def noted(self, note: str) -> bool:
        table = self.facts["environment"]["NOTES_TABLE_NAME"]
        return "Item" in self.aws("dynamodb").get_item(TableName=table, Key={"id": {"S": note}})

    def family(self) -> list[int]:
        """The ids of its process and of all that descend from it."""
        parents: dict[int, int] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                number, rest = stat.read_text().split(" (", 1)
            except OSError:  # ended in between
                continue
            parents[int(number)] = int(rest.rpartition(") ")[2].split()[1])
        found = [self.process.pid]
        for member in found:
            found += [child for child, parent in parents.items() if parent == member]
        return found

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


def command(project: Project, port: int) -> list[str]:
    root, state = str(project.root), str(project.state)
    return [sys.executable, "-m", "local", "run", "--root", root, "--state", state, "--port", str(port)]


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def sample(folder: Path) -> Project:
    shutil.copytree(SAMPLE, folder / "sample", ignore=shutil.ignore_patterns("__pycache__"))
    return Project(root=folder / "sample", state=folder / "state")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh copy of the sample project."""
    return sample(tmp_path)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One run for all tests that only ask; started from a shell with variables that must not reach the doors."""
    shell = {"AWS_PROFILE": "prod", "ANTHROPIC_BASE_URL": "http://elsewhere", "NOTES_TABLE_NAME": "shadow"}
    run = Run(sample(tmp_path_factory.mktemp("local")), environment=shell).start()
    yield run
    run.stop()
