"""The providers' end of the wire: an understudy alone, without the platform, and our three rooms that ask it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2

from llm_core.catalog import Limits
from llm_core.deadline import Deadline
from llm_core.deltas import Event, Heard
from llm_core.failures import ProviderError
from llm_core.providers.streaming import Stream, Streaming

NAMES = ("anthropic", "openai", "bedrock")
MODELS = {"anthropic": "claude-haiku-4-5", "openai": "gpt-4.1-mini", "bedrock": "global.anthropic.claude-opus-4-7"}
SCALE = Limits(first_token_s=0.4, stall_s=0.3, total_s=20)
"""The catalog's time limits at about 1/50."""


@dataclass
class Told:
    """What became of a stream: its events, the answer they make, and the failure it ended in, if it did."""

    events: list[Event]
    heard: Heard
    failure: ProviderError | None
    skipped: int

    @property
    def text(self) -> str:
        return "".join(getattr(part, "text", "") for part in self.heard.parts)


@dataclass
class Upstream:
    desk: httpx2.Client
    rooms: dict[str, Streaming]

    def order(self, fault: dict[str, Any], **where: Any) -> None:
        self.desk.post("/_understudy/orders", json={"fault": fault, **where}).raise_for_status()

    def perform(self, **answer: Any) -> None:
        self.desk.post("/_understudy/orders", json={"answer": answer}).raise_for_status()

    def pace(self, **pace: Any) -> None:
        self.desk.post("/_understudy/pace", json=pace).raise_for_status()

    def sold(self) -> dict[str, Any]:
        """The last call in the understudy's account."""
        call: dict[str, Any] = self.desk.get("/_understudy/sold?last=1").json()["calls"][-1]
        return call

    def asked(self) -> int:
        """How many requests have come."""
        return len(self.desk.get("/_understudy/requests").json()["requests"])

    def stream(
        self, name: str, limits: Limits = SCALE, seconds: float = 20, question: str = "Hello there", **body: Any
    ) -> Stream:
        asked = {"model": MODELS[name], "max_tokens": 200, "messages": [{"role": "user", "content": question}], **body}
        return self.rooms[name].stream(asked, limits, Deadline.after(seconds))

    def told(self, name: str, limits: Limits = SCALE, **body: Any) -> Told:
        return listen(self.stream(name, limits, **body))

    def connections(self, name: str) -> list[Any]:
        """What this room's client keeps open."""
        pool: Any = self.rooms[name]._client("sk-test-1")._client._transport._pool
        found: list[Any] = pool.connections
        return found


def listen(stream: Stream) -> Told:
    """To the end, whatever it is."""
    told = Told([], Heard(), None, 0)
    try:
        for event in stream:
            told.events.append(event)
            told.heard.hear(event)
    except ProviderError as failure:
        told.failure = failure
    told.skipped = stream.skipped
    return told
