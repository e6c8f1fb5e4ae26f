"""A streamed answer on its way out: kept alive while nobody says anything, and honest about how it ends."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Thread

from llm_core.aws.http import defect
from llm_core.aws.telemetry import logger
from llm_core.cancellation import Cancellation
from llm_core.errors import DreyError
from llm_core.live import Live

SILENCE_S = 5.0
"""Proxies cut a connection on which nothing comes for long enough; a comment means nothing to any client. Until one is
due, nobody notices that a caller has left a silent model."""

COMMENT = b": keep-alive\n\n"


class KeptAlive:
    """The pieces of an answer; a comment for each `SILENCE_S` without one.

    `open` asks for it, which `cancellation` ends before it has begun; `write` puts it into the caller's dialect,
    `failed` tells in that dialect what went wrong when a status no longer can: nothing follows it. All of it runs on
    one thread of its own, because spans and the breaker's probe belong to a thread. Whoever stops reading must `close`;
    when that returns, the call is settled.
    """

    def __init__(
        self,
        open: Callable[[], Live],
        write: Callable[[Live], Generator[bytes]],
        failed: Callable[[DreyError], bytes],
        cancellation: Cancellation | None = None,
    ) -> None:
        self._open = open
        self._write = write
        self._failed = failed
        self._cancellation = cancellation or Cancellation()
        self._live: Live | None = None
        self.free = False
        """It ended in an error that charged nothing."""
        self._whole = False
        self._wanted = True
        self._over = False
        self._made: SimpleQueue[Live | bytes | BaseException | None] = SimpleQueue()
        self._context = copy_context()
        self._thread = Thread(target=self._context.run, args=(self._run,), name="answer", daemon=True)
        self._thread.start()

    def begun(self, within_s: float) -> Live | None:
        """The answer, when its model has begun to speak; None when that takes longer. Raises why it will not."""
        try:
            made = self._made.get(timeout=within_s)
        except Empty:
            return None
        if isinstance(made, BaseException):
            self._thread.join()
            raise made
        assert isinstance(made, Live)  # noqa: S101 - for the type checker: nothing is written before it has begun
        return made

    def __iter__(self) -> KeptAlive:
        return self

    def __next__(self) -> bytes:
        if self._over:
            raise StopIteration
        try:
            made = self._made.get(timeout=SILENCE_S)
        except Empty:
            return COMMENT
        if isinstance(made, Live):  # later than `begun` waited for
            return next(self)
        if isinstance(made, bytes):
            return made
        self._over = True
        self._thread.join()
        if made is None:
            raise StopIteration
        return self._context.run(self._told, made)

    def close(self) -> None:
        """Nobody reads on: what the provider has not said yet is not waited for."""
        self._wanted = False
        self._over = True
        self._cancellation.cancel()
        if self._live is not None:
            self._live.cancel()
        self._thread.join()

    def unread(self) -> bytes | None:
        """After `close`: what was made and not read of an answer that is whole; None of any other."""
        left: list[bytes] = []
        while not self._made.empty():
            if isinstance(made := self._made.get(), bytes):
                left.append(made)
        return b"".join(left) if self._whole else None

    def _told(self, error: BaseException) -> bytes:
        """In band: its status has left."""
        if isinstance(error, DreyError):
            told = {"event": "request_failed", "error.type": error.code}
            logger.warning("answer broke off", exc_info=error, extra=told)
            self.free = "cost" not in error.details
            return self._failed(error)
        return self._failed(defect(error))

    def _run(self) -> None:
        try:
            self._make()
            self._made.put(None)
        except BaseException as error:  # noqa: BLE001 - whatever it is, somebody waits to hear of it
            if not (self._wanted or isinstance(error, DreyError)):
                defect(error)  # nobody does any more, but the log
            self._made.put(error)

    def _make(self) -> None:
        live = self._live = self._open()
        with closing(live):
            self._made.put(live)
            with closing(self._write(live)) as pieces:
                while self._wanted:
                    if (piece := next(pieces, None)) is None:
                        self._whole = True
                        break
                    self._made.put(piece)
