"""sam local with a Docker engine: the built template, on the tables of a running platform, in Lambda's container."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, Platform
from tests.samlocal import image

BUILT = ROOT / ".aws-sam/local"
SAM = ROOT / ".local/venvs/sam/bin/sam"
PATIENCE_S = 120.0


def _missing() -> str:
    """What sam local lacks here; "" for nothing."""
    asked = shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True, check=False)
    if not asked or asked.returncode:
        return "no Docker engine runs"
    if not (BUILT / "template.yaml").exists():
        return "nothing is built: make samlocal"
    return ""


@pytest.fixture(scope="session")
def engine() -> str:
    """The image that doors run in. Without an engine tests are skipped, or fail where DREY_REQUIRE names docker."""
    if missing := _missing():
        required = "docker" in os.environ.get("DREY_REQUIRE", "").split(",")
        (pytest.fail if required else pytest.skip)(f"sam local was not tried: {missing}")
    return image.made()


@dataclass(frozen=True)
class Sam:
    """The SAM CLI on a copy of the built template that has the platform's variables, as deploying would give it."""

    template: Path
    image: str
    log: Path

    def command(self, verb: str, *arguments: str) -> list[str]:
        options = ["--template", str(self.template), "--invoke-image", self.image, "--skip-pull-image"]
        stage = [
            "--config-file",
            str(ROOT / "samconfig.toml"),
            "--config-env",
            "local",
            "--add-host",
            f"host.docker.internal:{_bridge()}",
        ]
        return [str(SAM), "local", verb, *arguments, *options, *stage]

    @property
    def environment(self) -> dict[str, str]:
        aws = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "us-east-1"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**kept, **aws, "SAM_CLI_TELEMETRY": "0"}

    def invoke(self, door: str, event: Path) -> Any:
        """What `sam local invoke` printed. Its exit code says nothing: a handler that raises leaves it 0."""
        done = subprocess.run(
            self.command("invoke", door, "--event", str(event)),
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        try:
            return json.loads(done.stdout.strip().splitlines()[-1])
        except (IndexError, ValueError):
            pytest.fail(f"no answer: {done.stdout}\n{done.stderr[-4000:]}")

    @contextmanager
    def serving(self, verb: str) -> Iterator[str]:
        """`sam local start-api` or `start-lambda`, with containers that stay: its address."""
        port = _free_port()
        command = self.command(verb, "--port", str(port), "--warm-containers", "LAZY")
        with self.log.open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        try:
            _wait_for(port, process, self.log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="session")
def sam(engine: str, platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sam]:
    document = yaml.safe_load((BUILT / "template.yaml").read_text())
    with _reachable(platform.environment) as variables:
        for resource in document["Resources"].values():
            if resource["Type"] == "AWS::Serverless::Function":
                own = resource["Properties"].setdefault("Environment", {}).setdefault("Variables", {})
                common = document["Globals"]["Function"]["Environment"]["Variables"]
                known = {name: variables[name] for name in {*own, *common} if name in variables}
                wrapper = {name: own[name] for name in ("AWS_LAMBDA_EXEC_WRAPPER",) if name in own}
                own.clear()
                own.update({**known, **wrapper, "AWS_ENDPOINT_URL": variables["AWS_ENDPOINT_URL"]})
        template = BUILT / "template.samlocal.yaml"  # beside the other, to which its paths are relative
        template.write_text(yaml.safe_dump(document))
        yield Sam(template, engine, tmp_path_factory.mktemp("samlocal") / "sam.log")
        template.unlink()


@contextmanager
def _reachable(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """The variables, with addresses that containers reach: this machine's services listen on loopback only."""
    bridge, doors = _bridge(), dict[str, int]()
    for port in set(re.findall(r"http://127\.0\.0\.1:(\d+)", json.dumps(environment))):
        doors[port] = _forwarded(bridge, int(port))

    def there(value: str) -> str:
        return re.sub(
            r"http://127\.0\.0\.1:(\d+)", lambda found: f"http://host.docker.internal:{doors[found[1]]}", value
        )

    overlay = environment.get("DREY_OVERLAY", "")
    yield {name: there(value) for name, value in environment.items() if value != overlay or not overlay}


def _forwarded(bridge: str, port: int) -> int:
    """A port of the bridge that leads to a port of loopback, while this process lives."""
    listening = socket.create_server((bridge, 0), backlog=64)

    def serve() -> None:
        while True:
            inward, _ = listening.accept()
            outward = socket.create_connection(("127.0.0.1", port))
            for pair in ((inward, outward), (outward, inward)):
                threading.Thread(target=_copied, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    own: int = listening.getsockname()[1]
    return own


def _copied(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


@cache
def _bridge() -> str:
    """This machine's address on Docker's bridge, its first."""
    asked = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}"]
    subnet = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    return str(next(ip_network(subnet).hosts()))


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.2)
    pytest.fail(f"sam did not start:\n{log.read_text()[-4000:]}")
