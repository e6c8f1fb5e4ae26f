"""AWS in front of the emulator, one service of which is in trouble as it is told: a real HTTP server on a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.races.http11 import Answer, Asked, Upstream, serve

JSON = "application/x-amz-json-1.1"

REFUSALS = {
    "throttled": (400, "ThrottlingException"),
    "denied": (400, "AccessDeniedException"),
    "broken": (500, "InternalServerError"),
    "unavailable": (503, "ServiceUnavailable"),
}
MISSING = {"DynamoDB": "ResourceNotFoundException", "AmazonSSM": "ParameterNotFound"}

FAULTS = (*REFUSALS, "missing", "reset", "silence", "slow", "garbage")


@dataclass
class Trouble:
    """`service` is the beginning of its targets; an empty fault is good health. `asked` counts what met the fault."""

    url: str = ""
    service: str = ""
    fault: str = ""
    asked: int = 0

    def begin(self, service: str, fault: str) -> None:
        self.service, self.fault, self.asked = service, fault, 0

    def end(self) -> None:
        self.fault = ""

    async def answer(self, asked: Asked, upstream: Upstream) -> Answer | None:
        """None breaks the connection."""
        if not self.fault or not asked.headers.get("x-amz-target", "").startswith(self.service):
            return await upstream.ask(asked)
        self.asked += 1
        match self.fault:
            case "reset":
                return None
            case "silence":
                await asyncio.sleep(60)
                return None
            case "slow":
                await asyncio.sleep(0.8)
                return await upstream.ask(asked)
            case "garbage":
                return Answer(200, {"content-type": "text/html"}, b"<html>Please sign in</html>")
        status, code = REFUSALS.get(self.fault) or (400, MISSING[self.service])
        return Answer.json(status, {"__type": code, "message": "So it was ordered."}, JSON)


@contextmanager
def standing_before(emulator: str) -> Iterator[Trouble]:
    """In front of the emulator at this URL, until the end of the block."""
    trouble, ready, ended = Trouble(), threading.Event(), asyncio.Event()
    upstream = Upstream(emulator)

    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        server = await serve(lambda asked: trouble.answer(asked, upstream))
        trouble.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        await ended.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield trouble
    finally:
        loops[0].call_soon_threadsafe(ended.set)
        thread.join(5)
