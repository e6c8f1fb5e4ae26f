"""What is compared: the provider alone, Drey's door, LiteLLM's proxy, Portkey's gateway; each a process."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.gateway.asking import AsLambda, Failed, Lane, OverHttp, event
from bench.gateway.processes import Process
from bench.gateway.upstream import MODEL
from local.emulator import free_port
from local.project import Project

PROJECT = Project()
PATIENCE_S = 120.0
LITELLM = PROJECT.root / ".local/venvs/litellm"
PORTKEY = PROJECT.root / ".local/portkey/node_modules/@portkey-ai/gateway/build/start-server.js"
HANDLER, SECONDS = "gateway.chat.handler", 300.0


@dataclass
class Running:
    """A lane that answers. `started_s`: seconds from its start to its first answer; `started_cpu_s`: of processor."""

    name: str
    lane: Lane
    process: Process | None
    started_s: float = 0.0
    started_cpu_s: float = 0.0

    async def end(self) -> None:
        await self.lane.close()
        if self.process:
            self.process.end()


Start = Callable[[], Coroutine[Any, Any, Running]]


@dataclass
class Lanes:
    """`upstream`: the provider's port; `doors`: the environment of Drey's doors; `key`: a key there; `logs`: a folder.

    Each start raises Failed when the lane does not answer in time.
    """

    upstream: int
    doors: dict[str, str]
    key: str
    logs: Path
    _number: int = 0
    _daemon: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

    def __post_init__(self) -> None:
        self._daemon.bind(("127.0.0.1", 0))  # where X-Ray's daemon would listen

    def present(self) -> tuple[dict[str, Start], dict[str, str]]:
        """The lanes that can run here, and for the others the reason: {name: ...} both."""
        starts: dict[str, Start] = {"the provider alone": self.direct, "Drey": self.drey}
        missing = {}
        if (LITELLM / ".is-in").exists():
            starts["LiteLLM"] = self.litellm
        else:
            missing["LiteLLM"] = f"its environment is missing ({LITELLM.relative_to(PROJECT.root)})"
        if PORTKEY.exists() and shutil.which("node"):
            starts["Portkey"] = self.portkey
        else:
            missing["Portkey"] = "there is no Node here, or its packages are missing"
        return starts, missing

    async def direct(self) -> Running:
        return Running("the provider alone", OverHttp(self.upstream, {"Authorization": "Bearer none"}), None)

    async def drey(self) -> Running:
        """The gateway's door under its own loop, as Lambda starts it, with log, metrics and trace on."""
        sample = json.loads((PROJECT.root / "events/gateway/chat-hello.json").read_text())
        lane = AsLambda(event(sample, Authorization=f"Bearer {self.key}"), SECONDS)
        port = await lane.listen()
        environment = {
            **_clean(),
            **self.doors,
            "PYTHONPATH": os.pathsep.join(str(p) for p in PROJECT.sources if p.name != "functions"),
            "LAMBDA_TASK_ROOT": str(PROJECT.root / "functions"),
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{self._daemon.getsockname()[1]}",
            "_HANDLER": HANDLER,
        }
        script = str(PROJECT.root / "layers/llm_core/streaming")
        return await self._answering("Drey", lane, [script, sys.executable, "bootstrap"], environment)

    async def litellm(self) -> Running:
        """One process, as its image starts it, without a database: no keys but its own, no budgets."""
        configuration = self.logs / "litellm.json"  # JSON is YAML
        route = {"model": f"openai/{MODEL}", "api_base": f"http://127.0.0.1:{self.upstream}/v1", "api_key": "none"}
        models = [{"model_name": MODEL, "litellm_params": route}]
        configuration.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": "sk-bench"}}))
        port = free_port()
        command = [str(LITELLM / "bin/litellm"), "--config", str(configuration)]
        command += ["--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
        alone = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR"}
        alone["PATH"] = f"{LITELLM / 'bin'}{os.pathsep}{os.environ['PATH']}"
        lane = OverHttp(port, {"Authorization": "Bearer sk-bench"})
        return await self._answering("LiteLLM", lane, command, {**_clean(), **alone})

    async def portkey(self) -> Running:
        """Its gateway on Node, without a log or a cache."""
        port = free_port()
        address = f"http://127.0.0.1:{self.upstream}/v1"
        headers = {"Authorization": "Bearer none", "x-portkey-provider": "openai", "x-portkey-custom-host": address}
        command = ["node", str(PORTKEY), f"--port={port}", "--headless"]
        alone = {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1"}
        return await self._answering("Portkey", OverHttp(port, headers), command, {**_clean(), **alone})

    async def _answering(self, name: str, lane: Lane, command: list[str], environment: dict[str, str]) -> Running:
        self._number += 1
        process = Process(command, environment, self.logs, self.logs / f"{self._number}-{name}.log")
        running = Running(name, lane, process)
        while True:
            try:
                await asyncio.wait_for(lane.ask(request(stream=False)), PATIENCE_S)
            except ConnectionError:  # it does not listen yet
                if time.monotonic() - process.began > PATIENCE_S or not process.alive:
                    raise Failed(f"{name} does not start: see {process.log}") from None
                await asyncio.sleep(0.01)
            else:
                running.started_s, running.started_cpu_s = time.monotonic() - process.began, process.cpu_s
                return running


def request(*, stream: bool, events: int = 32, pace_ms: float = 0) -> bytes:
    """A chat of some hundred bytes."""
    told = f"You are asked by a benchmark. Answer briefly. events={events} pace_ms={pace_ms:g}"
    asked: dict[str, Any] = {"model": MODEL, "max_tokens": 200, "messages": [{"role": "user", "content": told}]}
    return json.dumps(asked | ({"stream": True} if stream else {})).encode()


def _clean() -> dict[str, str]:
    """The shell's environment without anything that a lane could take for its own."""
    foreign = ("AWS_", "PYTHON", "OPENAI_", "ANTHROPIC_", "LITELLM_", "PORTKEY_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
