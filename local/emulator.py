"""The AWS of this machine: ministack, in a process of its own, its state kept from run to run."""

import json
import os
import secrets
import signal
import socket
import time
import urllib.error
import urllib.request
from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from local.process import Child
from local.project import CannotStart, Project

REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
USUAL_PORT = 4566  # where AWS emulators listen by custom: handy for `aws --endpoint-url http://localhost:4566`
_PATIENCE_S = 20.0
_ATTEMPTS = 3


class Emulator:
    """A running emulator. `url` is its address; `token` this start of it; `client("dynamodb")` a boto3 client on it."""

    def __init__(self, child: Child, url: str, token: str) -> None:
        self.child = child
        self.url = url
        self.token = token

    @classmethod
    def start(cls, project: Project) -> "Emulator":
        """Start it, do not wait for it: see `wait`. Raises CannotStart when it is not installed."""
        if not project.emulator.exists():
            raise CannotStart(f"The AWS emulator is not installed ({project.emulator} is missing). Run: make setup")
        port = free_port(USUAL_PORT)
        state = project.kept / "emulator"
        (state / "s3").mkdir(parents=True, exist_ok=True)
        project.logs.mkdir(parents=True, exist_ok=True)
        token = secrets.token_hex(8)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MINISTACK_", "LOCALSTACK_"))}
        child = Child(
            "emulator",
            [str(project.emulator)],
            directory=project.kept,
            log=project.logs / "emulator.log",
            environment={
                **inherited,
                **CREDENTIALS,
                "GATEWAY_PORT": str(port),
                "BIND_HOST": "127.0.0.1",
                "MINISTACK_HOST": "localhost",
                "MINISTACK_REGION": REGION,
                "MINISTACK_EDITION": token,  # health tells it back: somebody else's emulator on this port is not ours
                "PERSIST_STATE": "1",
                "STATE_DIR": str(state),
                "S3_PERSIST": "1",
                "S3_DATA_DIR": str(state / "s3"),
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
                "LOG_LEVEL": "WARNING",
                "DOCKER_HOST": "unix:///nonexistent",  # else it tidies up containers of this machine at each start
            },
        )
        return cls(child, f"http://127.0.0.1:{port}", token)

    @classmethod
    def open(cls, project: Project) -> "Emulator":
        """Start it and wait until it answers; a port that is snatched in between is tried again elsewhere."""
        for attempt in range(_ATTEMPTS):
            emulator = cls.start(project)
            try:
                emulator.wait()
            except CannotStart:
                if attempt == _ATTEMPTS - 1 or "in use" not in emulator.child.log_text:
                    raise
            else:
                return emulator
        raise AssertionError  # the loop returns or raises

    def wait(self) -> None:
        """Return once it answers. Raises CannotStart when it ends before that, or after 20 s."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            if not self.child.alive:
                raise CannotStart(f"The AWS emulator stopped at once: {self.child.last_words()} ({self.child.log})")
            try:
                with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2) as answer:  # noqa: S310
                    if json.load(answer)["edition"] == self.token:
                        return
            except (OSError, urllib.error.URLError, ValueError, KeyError):
                pass
            time.sleep(0.03)
        self.child.stop(patience=1)
        raise CannotStart(f"The AWS emulator did not answer within {_PATIENCE_S:.0f} s. Its log: {self.child.log}")

    def client(self, service: str) -> Any:
        """A boto3 client of one service."""
        return client(service, self.url)

    def stop(self) -> None:
        """End it politely: state is written at SIGTERM, and lost by anything harsher."""
        self.child.stop(signal.SIGTERM, patience=15)


def client(service: str, url: str) -> Any:
    """A boto3 client of one service of the emulator at `url`, whatever profile the developer has."""
    return _session().client(
        service,  # type: ignore[call-overload]
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 2}, s3={"addressing_style": "path"}, proxies={}),
    )


@cache
def _session() -> boto3.Session:
    # Neither the developer's profile nor their configuration files concern the emulator.
    alone: dict[str, Any] = {
        "profile": (None, [], None, None),
        "config_file": (None, [], os.devnull, None),
        "credentials_file": (None, [], os.devnull, None),
    }
    return boto3.Session(botocore_session=botocore.session.Session(session_vars=alone))


def free_port(preferred: int = 0) -> int:
    """A free port of the loopback interface, the preferred one if it is."""
    for wanted in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a run that has just ended is no obstacle
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise CannotStart("This machine has no free port on 127.0.0.1")
