"""Somebody who runs agents over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.conftest import Platform, fresh
from tests.functions.accounts.holder import Holder

PATIENCE_S = 60.0


@dataclass(frozen=True)
class Agents:
    """A key's holder, and a model of one test's own that thinks for all of them."""

    holder: Holder
    model: str = field(default_factory=lambda: fresh("alone"))

    @property
    def platform(self) -> Platform:
        return self.holder.platform

    def will(self, *answers: dict[str, Any]) -> None:
        """What the model says, one turn after the other; then it is the understudy's own again."""
        for answer in answers:
            self.platform.perform(answer, model=self.model, times=1)

    def run(self, status: int | None = None, **body: Any) -> dict[str, Any]:
        """POST /v1/agents/run, with a topic and this model unless the body says otherwise."""
        asked = {"type": "research", "input": {"topic": "Nests"}, "role": self.model} | body
        answer = self.holder.ask("POST", "/v1/agents/run", asked)
        assert answer.status_code in ((200, 202) if status is None else (status,)), answer.text
        told: dict[str, Any] = answer.json()
        return told

    def see(self, run_id: str) -> dict[str, Any]:
        return self.holder.told("GET", f"/v1/agents/runs/{run_id}")

    def until(self, run_id: str, *statuses: str) -> dict[str, Any]:
        """The run, once it has one of these statuses; without any, once it is over."""
        wanted = statuses or ("succeeded", "failed", "cancelled")
        deadline = time.monotonic() + PATIENCE_S
        while (found := self.see(run_id))["status"] not in wanted:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found

    def finished(self, **body: Any) -> dict[str, Any]:
        return self.until(self.run(**body)["runId"])

    def watch(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The events of POST /v1/agents/stream."""
        url, headers = f"{self.platform.url}/v1/agents/stream", {"authorization": f"Bearer {self.holder.api_key}"}
        with httpx2.stream("POST", url, json=body, headers=headers, timeout=PATIENCE_S) as answer:
            assert answer.status_code == 200
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))


def types(run: dict[str, Any]) -> list[str]:
    return [step["type"] for step in run["steps"]]


def observed(run: dict[str, Any]) -> list[tuple[bool, str]]:
    """What the tools gave back: whether it is an error, and its text."""
    return [(step["isError"], step["toolOutput"]) for step in run["steps"] if step["type"] == "observation"]


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """An answer of the model that asks for one tool."""
    return {"tool_calls": [{"name": name, "arguments": arguments}]}
