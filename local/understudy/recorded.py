"""The requests as they came, the last ones, for tests that look at what was really sent."""

import base64
import time
from collections import deque
from dataclasses import dataclass, field

from local.understudy.prompt import Json

KEPT = 1_000
KEPT_BYTES = 64_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """`headers` have lower-case names; `raw` is the exact body."""

    seq: int
    provider: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    raw: bytes
    model: str | None
    arrived_at: float = field(default_factory=time.time)

    def told(self) -> Json:
        names = ("seq", "provider", "method", "path", "query", "model", "headers", "arrived_at")
        told: Json = {name: getattr(self, name) for name in names}
        try:
            return {**told, "body": self.raw.decode(), "body_base64": None}
        except UnicodeDecodeError:
            return {**told, "body": None, "body_base64": base64.b64encode(self.raw).decode()}


class Recorded:
    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._kept: deque[Received] = deque()
        self._bytes = 0

    def keep(self, received: Received) -> None:
        self._kept.append(received)
        self._bytes += len(received.raw)
        while len(self._kept) > KEPT or (self._bytes > KEPT_BYTES and len(self._kept) > 1):
            self._bytes -= len(self._kept.popleft().raw)

    def told(self, last: int | None = None) -> list[Json]:
        kept = list(self._kept)
        return [received.told() for received in (kept if last is None else kept[-last:] if last else [])]
