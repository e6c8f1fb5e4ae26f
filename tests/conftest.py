"""What all tests share: one running platform, over real HTTP, and a patient hypothesis."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, settings

from llm_core import byok, public
from llm_core.aws import breaker, clients, idempotency, secrets, stage_catalog, telemetry
from llm_core.providers import directory
from llm_core.settings import settings as door_settings
from tests.webhook import Webhook, serving

ROOT = Path(__file__).parents[1]
PATIENCE_S = 90

settings.register_profile("drey", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("drey")


POOL = 300
"""Models of which no test has heard before: a breaker that one test opens is not in another's way."""

_taken: dict[str, Iterator[int]] = {}


def fresh(family: str) -> str:
    """A model of one test's own: `claude` (Anthropic, then Bedrock), `gpt` (OpenAI) or `alone` (Anthropic only)."""
    return f"{family}-pool-{_letters(next(_taken.setdefault(family, iter(range(POOL)))))}"


def _letters(number: int) -> str:
    """No digits: in a model's name they would tell its generation."""
    return f"{chr(ord('a') + number // 26)}{chr(ord('a') + number % 26)}"


def pool() -> dict[str, Any]:
    """An operator's overlay with all of them, at the prices of Haiku 4.5 and GPT-4.1 mini."""
    prices = {"input": 1, "output": 5, "cache_write_5m": 1.25, "cache_write_1h": 2, "cache_read": 0.1}
    able = ["forced_tools", "sampling", "structured", "system", "tools", "vision"]
    claude = {**prices, "context": 200_000, "max_output": 64_000, "image_tokens": 1_600, "capabilities": able}
    claude["tool_tokens"] = {"bash": 245, "text_editor": 700, "computer": 1_234}
    gpt = {
        "input": 0.4,
        "output": 1.6,
        "cache_read": 0.1,
        "context": 1_000_000,
        "max_output": 32_768,
        "image_tokens": 2_489,
        "capabilities": able,
    }
    models: list[dict[str, Any]] = []
    names = [_letters(number) for number in range(POOL)]
    for name in names:
        models += [
            {"provider": "anthropic", "model": f"claude-pool-{name}", **claude},
            {"provider": "bedrock", "model": f"global.anthropic.claude-pool-{name}", **claude},
            {"provider": "anthropic", "model": f"alone-pool-{name}", **claude},
            {"provider": "openai", "model": f"gpt-pool-{name}", **gpt},
        ]
    chains = {
        f"claude-pool-{name}": [f"anthropic/claude-pool-{name}", f"bedrock/global.anthropic.claude-pool-{name}"]
        for name in names
    }
    return {"models": models, "routes": chains}


@dataclass(frozen=True)
class Platform:
    """What `make run` started: the front door's URL, a key with all scopes, the understudy, the doors' environment."""

    url: str
    key: str
    understudy: str
    environment: dict[str, str]
    logs: Path
    outputs: dict[str, str] = field(default_factory=dict)
    state: Path = Path()
    http: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=30), compare=False)

    def order(self, fault: dict[str, Any], **where: Any) -> None:
        """Tell the understudy to misbehave, until `free()`."""
        self.http.post(f"{self.understudy}/_understudy/orders", json={"fault": fault, **where}).raise_for_status()

    def perform(self, answer: dict[str, Any], **where: Any) -> None:
        """Tell the understudy what to answer, until `free()`."""
        self.http.post(f"{self.understudy}/_understudy/orders", json={"answer": answer, **where}).raise_for_status()

    def free(self) -> None:
        self.http.delete(f"{self.understudy}/_understudy/orders").raise_for_status()

    def sold(self) -> list[dict[str, Any]]:
        """The calls the understudy has answered, oldest first, with the tokens it sold."""
        calls: list[dict[str, Any]] = self.http.get(f"{self.understudy}/_understudy/sold").json()["calls"]
        return calls

    def asked(self, last: int = 1) -> list[dict[str, Any]]:
        """The latest requests that reached the understudy."""
        answer = self.http.get(f"{self.understudy}/_understudy/requests", params={"last": last})
        requests: list[dict[str, Any]] = answer.json()["requests"]
        return requests


@pytest.fixture(scope="session")
def discord() -> Iterator[Webhook]:
    """Where the platform's alerts are posted."""
    with serving("/discord") as webhook:
        yield webhook


@pytest.fixture(scope="session")
def slack() -> Iterator[Webhook]:
    """There too."""
    with serving("/slack") as webhook:
        yield webhook


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory, discord: Webhook, slack: Webhook) -> Iterator[Platform]:
    posted = {"DISCORD_WEBHOOK_URL": discord.url, "SLACK_WEBHOOK_URL": slack.url}
    with started(tmp_path_factory.mktemp("platform"), **posted) as running:
        yield running


@contextmanager
def started(state: Path, added: dict[str, Any] | None = None, /, **variables: str) -> Iterator[Platform]:
    """The whole platform in processes of its own, with a state and an overlay (`added`, else the pool) of its own."""
    ready = state / "ready.json"
    command = [sys.executable, "-m", "local", "run", "--quiet", "--port", str(_free_port())]
    command += ["--state", str(state), "--ready-file", str(ready)]
    output = state / "output.txt"
    overlay = state / "overlay.json"
    overlay.write_text(json.dumps(added or pool()))
    clean = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    clean |= {"DREY_OVERLAY": str(overlay), **variables}
    with output.open("wb") as sink:
        running = subprocess.Popen(command, cwd=ROOT, env=clean, stdout=sink, stderr=subprocess.STDOUT)
    try:
        told = _when_ready(running, ready, output)
        yield Platform(
            told["url"],
            told["key"],
            told["understudy"],
            told["environment"],
            state / "logs" / "doors.jsonl",
            told["outputs"],
            state,
        )
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(timeout=20)


def _when_ready(running: subprocess.Popen[bytes], ready: Path, output: Path) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE_S
    while not ready.exists():
        if running.poll() is not None or time.monotonic() > until:
            pytest.fail(f"The platform did not start:\n{output.read_text()}")
        time.sleep(0.05)
    told: dict[str, Any] = json.loads(ready.read_text())
    return told


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def understudy(platform: Platform) -> Iterator[Platform]:
    """The platform, for a test that gives orders to the understudy: they end with the test."""
    platform.free()
    yield platform
    platform.free()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What this process logs from now on."""
    lines = io.StringIO()
    monkeypatch.setattr(telemetry.logger.registered_handler, "stream", lines)
    return lines


@pytest.fixture
def inside(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """This process in a door's place: its environment, on the same tables as the running platform."""
    with as_a_door(platform, monkeypatch):
        yield platform


@contextmanager
def as_a_door(platform: Platform, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same for a fixture that outlives a test. What earlier tests left in this process is not known inside."""
    for name, value in platform.environment.items():
        patch.setenv(name, value)
    _forget()
    yield
    _forget()


def _forget() -> None:
    """What a fresh process would not know yet."""
    door_settings.cache_clear()
    stage_catalog.catalog.cache_clear()
    directory.provider.cache_clear()
    for kept in (clients._clients, breaker._stores, idempotency._stores, byok._found, public._opened):
        kept.clear()
    for kept in (secrets._stores, secrets._read, secrets._refused):
        kept.clear()
