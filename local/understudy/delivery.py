"""Plays an answer's acts to the client, keeps its sale's account true, and notices when the client leaves."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Iterable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from local.understudy.show import Act, Chunk, End, Hang, Hangup, Made, Pause, Start

# What the account wants to hear: tokens generated so far, and whether the client has everything.
type Progress = Callable[[int, bool], None]


class Delivery(Response):
    """`progress` is told before each chunk leaves, `done` once, however it ends."""

    def __init__(self, acts: Iterable[Act], progress: Progress, done: Callable[[], None]) -> None:
        super().__init__()
        self.acts, self.progress, self.done = acts, progress, done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.Event()
        watch = asyncio.create_task(_watch(receive, gone))
        try:
            await self._play(scope, send, gone)
        finally:
            watch.cancel()
            self.done()

    async def _play(self, scope: Scope, send: Send, gone: asyncio.Event) -> None:
        for act in self.acts:
            if gone.is_set():
                return
            match act:
                case Start():
                    headers = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in act.headers.items()]
                    await send({"type": "http.response.start", "status": act.status, "headers": headers})
                case Chunk():
                    if act.event:
                        self.progress(act.event.generated, act.completes)
                    await send({"type": "http.response.body", "body": act.data, "more_body": True})
                    # Let other streams go on, and hear of a client that left.
                    await asyncio.sleep(0)
                case Pause():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(gone.wait(), act.seconds)
                case Made():
                    self.progress(act.generated, False)
                case Hang():
                    await gone.wait()
                case Hangup():
                    _hang_up(scope, reset=act.reset)
                    await gone.wait()
                case End():
                    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _watch(receive: Receive, gone: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    gone.set()


def _hang_up(scope: Scope, *, reset: bool) -> None:
    transport = scope.get("state", {}).get("transport")
    if not isinstance(transport, asyncio.Transport):
        raise TypeError("resets and cuts need the connection: serve the app with local.understudy.server")
    if not reset:
        transport.close()
        return
    # Lingering for zero seconds makes the kernel send RST instead of FIN.
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
