"""What the doors print: structured lines to a file, as CloudWatch would keep them; the rest to the terminal."""

import io
import json
import sys
import threading
from pathlib import Path
from typing import Any

_ALARMING = {"ERROR", "CRITICAL"}


class Log(io.TextIOBase):
    """Stands in for sys.stdout. JSON lines (Powertools' logs and metrics) are kept in `path`; errors among them and
    everything else, a print() for example, is shown.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", buffering=1)
        self._begun = threading.local()  # a line may come in pieces, and two doors speak at once

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def write(self, text: str) -> int:
        """Sort whole lines; a started one waits for its end."""
        *lines, self._begun.line = (getattr(self._begun, "line", "") + text).split("\n")
        for line in lines:
            self._sort(line)
        return len(text)

    def _sort(self, line: str) -> None:
        record = _record(line)
        if record is None:
            sys.stderr.write(f"{line}\n")
            return
        self._file.write(f"{line}\n")
        if record.get("level") in _ALARMING:
            sys.stderr.write(f"{record['level']} {record.get('location', '')} {record.get('message', '')}\n")
            if record.get("exception"):
                sys.stderr.write(f"{record['exception']}\n")


def _record(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
