"""X-Ray: what the time of a request or of a run went into, a subsegment for each piece of work.

Lambda says by a header whether an invocation is traced; what we send goes to its X-Ray daemon, by UDP. Whether it is
traced is decided where a request enters, never by its caller's own words. Subsegments carry facts, never words: neither
a prompt nor what an exception says, which may repeat one.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from llm_core.errors import DreyError

_HEADING = b'{"format":"json","version":1}\n'
_LARGEST = 60_000
"""Bytes of one datagram; no subsegment of ours comes near."""

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a trace we are: `root` is the trace, `parent` the segment or subsegment that is open. `more` is what
    else the header says, such as Lambda's count of how often functions have called each other."""

    root: str
    parent: str
    sampled: bool
    more: tuple[str, ...] = ()

    @classmethod
    def of(cls, header: str | None) -> Place | None:
        """`Root=1-...;Parent=...;Sampled=1` as AWS writes it; None where nothing is traced."""
        parts = [part.strip() for part in (header or "").split(";")]
        known = dict(part.split("=", 1) for part in parts if part.startswith(("Root=", "Parent=", "Sampled=")))
        if not (known.get("Root") and known.get("Parent")):
            return None
        others = tuple(part for part in parts if part and part.split("=")[0] not in known)
        return cls(known["Root"], known["Parent"], known.get("Sampled") == "1", others)

    @property
    def header(self) -> str:
        """The same, for whom we ask."""
        return ";".join((f"Root={self.root}", f"Parent={self.parent}", f"Sampled={self.sampled:d}", *self.more))


_place: ContextVar[Place | None] = ContextVar("place", default=None)


def place() -> Place | None:
    """Where we are; None where Lambda says nothing. In `make run`, where many doors share a process, each has its own
    (`within`); on Lambda, an invocation's is in the environment."""
    return _place.get() or Place.of(os.environ.get("_X_AMZN_TRACE_ID"))


@contextmanager
def within(header: str) -> Iterator[None]:
    """All that is done inside belongs there."""
    token = _place.set(Place.of(header))
    try:
        yield
    finally:
        _place.reset(token)


@dataclass(slots=True)
class Span:
    """One subsegment, sent when it ends; or nothing, where nothing is traced. It may be ended on another thread."""

    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    _above: Place | None = field(default_factory=place)
    _id: str = field(default_factory=lambda: secrets.token_hex(8))
    _began: float = field(default_factory=time.time)
    _annotations: dict[str, Value] = field(default_factory=dict)
    _over: bool = False

    @property
    def place(self) -> Place | None:
        """Of what is done inside it."""
        return self._above and replace(self._above, parent=self._id)

    def annotate(self, **values: Value) -> None:
        """Searchable values, such as provider, model and outcome. Never a prompt."""
        self._annotations |= values

    def end(self, *, fault: bool = False, **facts: Any) -> None:
        """Send it, the first time."""
        if self._over or not (self._above and self._above.sampled):
            return
        self._over = True
        told: dict[str, Any] = {
            "id": self._id,
            "name": self.name,
            "type": "subsegment",
            "trace_id": self._above.root,
            "parent_id": self._above.parent,
            "start_time": self._began,
            "end_time": time.time(),
            **self.facts,
            **facts,
        }
        told |= {"fault": True} if fault else {}
        told["annotations"] = {"stage": os.environ.get("STAGE") or "dev", **self._annotations}
        _send(told)

    @contextmanager
    def open(self) -> Iterator[None]:
        """What is done inside is below it. An exception ends it, without its words: one of ours is no fault."""
        token = _place.set(self.place)
        try:
            yield
        except BaseException as error:
            ours = isinstance(error, DreyError)
            self.end(fault=not ours, error=ours)
            raise
        finally:
            _place.reset(token)


@contextmanager
def span(name: str) -> Iterator[Span]:
    """A subsegment around what is done inside."""
    opened = Span(name)
    with opened.open():
        yield opened
    opened.end()


_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
_socket.setblocking(False)


def _send(told: dict[str, Any]) -> None:
    """To the daemon; what does not get through is lost, and nobody waits for it."""
    address = os.environ.get("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000").rpartition("udp:")[2].split(" ")[0]
    host, _, port = address.rpartition(":")
    datagram = _HEADING + json.dumps(told, separators=(",", ":")).encode()
    if len(datagram) > _LARGEST:
        return
    try:
        _socket.sendto(datagram, (host, int(port)))
    except OSError:
        return  # a trace is never worth a request
