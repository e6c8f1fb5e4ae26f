"""A running stand-in for DynamoDB, and how to tell it what requests shall suffer."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import httpx2
import pytest
from botocore.config import Config

from local.emulator import CREDENTIALS, REGION
from tests.conftest import ROOT, Platform


@dataclass(frozen=True)
class Strict:
    """DynamoDB as AWS runs it. `url` is for AWS_ENDPOINT_URL."""

    url: str

    def suffer(self, **faults: Any) -> None:
        """From now on, and count from zero; nothing named: a service in good health."""
        httpx2.put(f"{self.url}/_faults", json=faults).raise_for_status()

    @property
    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = httpx2.get(f"{self.url}/_faults").json()
        return told

    @property
    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = self.told["counts"]
        return counts

    @contextmanager
    def under_way(self, act: Callable[[], Any]) -> Iterator[Future[Any]]:
        """Inside, a write of this act is under way, and others pass; afterwards it has ended well."""
        self.suffer(held_up=True)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(act)
            try:
                self.until("held_up")
                self.suffer()
                yield running
                assert not running.done()
            finally:
                httpx2.delete(f"{self.url}/_faults").raise_for_status()
            running.result()

    def until(self, what: str) -> None:
        """Wait until this has happened, counted since `suffer`."""
        patience = time.monotonic() + 10
        while not self.counts.get(what):
            assert time.monotonic() < patience, f"{what} has not happened"
            time.sleep(0.005)

    def client(self, attempts: int = 1, read_timeout: float = 10) -> Any:
        """A DynamoDB client that tries so often."""
        config = Config(read_timeout=read_timeout, retries={"mode": "standard", "total_max_attempts": attempts})
        keys = {name.lower(): value for name, value in CREDENTIALS.items()}
        return boto3.client("dynamodb", endpoint_url=self.url, region_name=REGION, config=config, **keys)  # type: ignore[call-overload]


@contextmanager
def standing_in(platform: Platform) -> Iterator[Strict]:
    """The stand-in in a process of its own, in front of this platform's emulator."""
    command = [sys.executable, "-m", "tests.races.dynamodb", platform.environment["AWS_ENDPOINT_URL"]]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        url = running.stdout.readline().strip()
        assert url, "the stand-in did not start"
        try:
            yield Strict(url)
        finally:
            running.terminate()


@pytest.fixture(scope="session")
def stand_in(platform: Platform) -> Iterator[Strict]:
    with standing_in(platform) as running:
        yield running


@pytest.fixture
def strict(stand_in: Strict) -> Iterator[Strict]:
    """In good health before the test and after it."""
    stand_in.suffer()
    yield stand_in
    stand_in.suffer()
