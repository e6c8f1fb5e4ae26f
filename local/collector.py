"""The X-Ray daemon of this machine: takes segments by UDP and keeps them in a file, one JSON document a line."""

import json
import secrets
import socket
from pathlib import Path
from threading import Thread

_LARGEST = 65_536
_BUFFER = 8 * 1024 * 1024  # bytes that the kernel keeps while we write
FULL = 64 * 1024 * 1024  # bytes of a file; then it is set aside, and the one before it is forgotten


class Collector:
    """`address` is what AWS_XRAY_DAEMON_ADDRESS says to whoever sends; `close` ends it."""

    def __init__(self, file: Path) -> None:
        self._path = file
        file.parent.mkdir(parents=True, exist_ok=True)
        self._set_aside()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._end = secrets.token_bytes(16)
        self._thread = Thread(target=self._take, name="traces", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.sendto(self._end, self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _take(self) -> None:
        file = self._path.open("ab", buffering=0)
        while True:
            datagram = self._socket.recv(_LARGEST)
            if datagram == self._end:
                file.close()
                return
            heading, _, document = datagram.partition(b"\n")
            if not _is_segment(heading, document):
                continue
            file.write(document.replace(b"\n", b" ") + b"\n")
            if file.tell() > FULL:
                file.close()
                self._set_aside()
                file = self._path.open("ab", buffering=0)

    def _set_aside(self) -> None:
        if self._path.exists():
            self._path.replace(self._path.with_suffix(".previous.jsonl"))


def _is_segment(heading: bytes, document: bytes) -> bool:
    """Any program of this machine may send here."""
    try:
        told = json.loads(document)
        return bool(json.loads(heading)["format"] == "json" and told["trace_id"] and told["end_time"])
    except (ValueError, KeyError, TypeError):
        return False
