"""The site's edge: CloudFront's functions out of edge/, with the pages of a build.

An address is looked at by the same JavaScript on this machine and in AWS.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.project import CannotStart

LARGEST = 10_000
"""Bytes that CloudFront takes for a function."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The address has another now."""

    status: int
    headers: Mapping[str, str]


def pages(out: Path) -> list[str]:
    """The pages of an export, as addresses with a slash at their end. The one for nothing there is at no address."""
    found = (f"/{file.parent.relative_to(out).as_posix()}/".replace("/./", "/") for file in out.rglob("index.html"))
    return sorted(set(found) - {"/404/", "/blog/post/"})


def composed(root: Path, out: Path) -> dict[str, str]:
    """The code of each function by its file in edge/, with what it has to know of the export. Raises CannotStart."""
    site = {"pages": pages(out), "retired": json.loads((root / "edge/retired.json").read_text())}
    known = f"var SITE = {json.dumps(site, separators=(',', ':'))};\n"
    code = {"edge/rewrite.js": known + (root / "edge/rewrite.js").read_text()}
    code["edge/status.js"] = (root / "edge/status.js").read_text()
    for name, text in code.items():
        if (size := len(text.encode())) > LARGEST:
            raise CannotStart(
                f"{name} has {size} bytes with the addresses of {len(site['pages'])} pages; CloudFront takes {LARGEST}."
                " Posts need no page of their own: take old ones out of posts/, their addresses stay"
            )
    return code


class Edge:
    """edge/rewrite.js at work. One request at a time: the interpreter has one thread."""

    def __init__(self, code: str) -> None:
        import dukpy  # here, because a run without a site has no use for it

        self._interpreter: Any = dukpy.JSInterpreter()
        self._interpreter.evaljs(code)
        self._lock = threading.Lock()

    def look(self, uri: str, query: Mapping[str, list[str]], address: str, host: str = "") -> str | Moved:
        """The file of a request, or where to go instead. `uri` and `query` as they came, still percent-encoded."""
        request = {
            "method": "GET",
            "uri": uri,
            "querystring": {name: _values(values) for name, values in query.items()},
            "headers": {"host": {"value": host}},
            "cookies": {},
        }
        event = {"version": "1.0", "viewer": {"ip": address}, "request": request}
        with self._lock:
            told = self._interpreter.evaljs("handler(dukpy['event'])", event=event)
        if "statusCode" in told:
            return Moved(told["statusCode"], {name: header["value"] for name, header in told["headers"].items()})
        file: str = told["uri"]
        return file


def _values(values: list[str]) -> dict[str, Any]:
    """A query's parameter as CloudFront has it."""
    shape: dict[str, Any] = {"value": values[-1]}
    return shape if len(values) == 1 else {**shape, "multiValue": [{"value": each} for each in values]}
