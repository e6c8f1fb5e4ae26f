"""An answer's way to its connection: pieces that come close together are one frame, and frames stay in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from live import frames
from live.frames import Type
from llm_core.aws import sockets
from llm_core.aws.http import defect
from llm_core.aws.sockets import Gone, NotSent
from llm_core.aws.telemetry import logger
from llm_core.errors import DreyError

GATHER_S = 0.05
GATHER_BYTES = 2_048
"""So long, or until so much has come, pieces of text wait for one another."""

_PIECE = 5_000
"""Characters of one frame: as JSON below 32 KB, whatever they are."""

_PATIENCE_S = 10.0
"""Within which a frame is sent again that did not arrive; then nobody is thought to be there."""

_Made = str | Callable[[int], bytes] | None


class Speaker:
    """Sends on a thread of its own, so that a slow connection does not slow the model down.

    `left` is called, once, when nobody is at the other end. `close` returns when all is sent.
    """

    def __init__(self, connection: str, request_id: str, left: Callable[[], None]) -> None:
        self.gone = False
        self._connection = connection
        self._about = {"requestId": request_id}
        self._left = left
        self._seq = 0
        self._made: SimpleQueue[_Made] = SimpleQueue()
        self._thread = Thread(target=copy_context().run, args=(self._run,), name="speaker", daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        """A piece of the answer."""
        self._made.put(text)

    def tell(self, type: Type, data: Mapping[str, Any]) -> None:
        self._made.put(lambda seq: frames.frame(type, self._about, seq=seq, data=data))

    def fail(self, error: DreyError, request_id: str) -> None:
        self._made.put(lambda seq: frames.error(error, self._about, request_id, seq=seq))

    def close(self) -> None:
        self._made.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            made = self._made.get()
            while made is not None:
                if not isinstance(made, str):
                    self._send(made)
                    made = self._made.get()
                    continue
                text, following = self._gathered(made)
                for start in range(0, len(text), _PIECE):
                    self._delta(text[start : start + _PIECE])
                made = following[0] if following else self._made.get()
        except Exception as error:  # noqa: BLE001 - the answer goes on, though nobody hears it
            defect(error)
            self._give_up()

    def _gathered(self, text: str) -> tuple[str, list[_Made]]:
        """The text with all that follows soon, and what else was met meanwhile."""
        pieces, size, until = [text], len(text.encode()), time.monotonic() + GATHER_S
        while size < GATHER_BYTES and (left := until - time.monotonic()) > 0:
            try:
                made = self._made.get(timeout=left)
            except Empty:
                break
            if not isinstance(made, str):
                return "".join(pieces), [made]
            pieces.append(made)
            size += len(made.encode())
        return "".join(pieces), []

    def _delta(self, text: str) -> None:
        self._send(lambda seq: frames.frame("delta", self._about, seq=seq, data={"content": text}))

    def _send(self, made: Callable[[int], bytes]) -> None:
        """The same bytes until they have arrived: who hears them twice knows them by their number."""
        if self.gone:
            return
        self._seq += 1
        data, until = made(self._seq), time.monotonic() + _PATIENCE_S
        while True:
            try:
                sockets.post(self._connection, data)
            except Gone:
                self._give_up()
            except NotSent:
                if time.monotonic() < until:
                    time.sleep(0.2)
                    continue
                logger.warning("frame not sent", exc_info=True, extra={"event": "socket_lost"})
                self._give_up()
            return

    def _give_up(self) -> None:
        self.gone = True
        self._left()
