"""What AWS itself writes of a trace, for this machine: a segment for each request and each invocation.

They go to the collector (local/collector.py) by the protocol of X-Ray's daemon, as the doors' own subsegments do.
"""

import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
_socket.setblocking(False)


class Segment:
    """One that is open: `header` is for what happens below it. `told` may get more of X-Ray's fields until it ends."""

    def __init__(self, name: str, origin: str, header: str | None = None) -> None:
        above = dict(part.split("=", 1) for part in (header or "").split(";") if "=" in part)
        self.root = above.get("Root") or f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        self.told: dict[str, Any] = {
            "id": secrets.token_hex(8),
            "name": name,
            "origin": origin,
            "trace_id": self.root,
            "start_time": time.time(),
            **({"parent_id": above["Parent"]} if "Parent" in above else {}),
        }
        self._over = False

    @property
    def header(self) -> str:
        return f"Root={self.root};Parent={self.told['id']};Sampled=1"

    def end(self) -> None:
        """Tell the collector, the first time. Where none is, nothing happens."""
        address = os.environ.get("AWS_XRAY_DAEMON_ADDRESS", "")
        if self._over or not address:
            return
        self._over = True
        host, _, port = address.rpartition(":")
        told = json.dumps({**self.told, "end_time": time.time()}).encode()
        try:
            _socket.sendto(b'{"format":"json","version":1}\n' + told, (host, int(port)))
        except OSError:
            return  # a trace is never worth a request

    def inside(self) -> Any:
        """A context in which the doors' code knows where it is: as if Lambda had set its variable, for this thread."""
        tracing = sys.modules.get("llm_core.aws.tracing")  # a checkout may be started before its layer can be imported
        return tracing.within(self.header) if tracing else nullcontext()


@contextmanager
def invocation(door: str, header: str | None) -> Iterator[Segment]:
    """One invocation of a function, for as long as it is at work."""
    segment = Segment(door, "AWS::Lambda::Function", header)
    try:
        with segment.inside():
            yield segment
    except BaseException:
        segment.told["fault"] = True
        raise
    finally:
        segment.end()
