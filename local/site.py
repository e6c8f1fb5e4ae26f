"""The site on this machine: the files of `make site`, by the rules of edge/, with the headers of its stack."""

import mimetypes
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response

from local.edge import Edge, Moved, composed
from local.template import Template

CACHED = {
    "_next/static/": "public, max-age=31536000, immutable",  # their names have the hash of what is in them
    "": "public, max-age=0, must-revalidate",
}
"""How long a file may be kept, by the beginning of its path; the first that fits."""

_NOT_YET = """The site is not built. `make site` builds it, with Node 20 or newer; the API needs neither.
The API is at /v1, all of it at /api.
"""


class Site:
    """`out` is an export; it may come, go and change while it is served.

    `told` is /site.json: where people sign in. Deployed, that file lies beside the others.
    """

    def __init__(self, root: Path, told: dict[str, str]) -> None:
        self._root = root
        self._out = root / "site/out"
        self._told = told
        self._kept: tuple[float, Edge, dict[str, str]] | None = None

    def answer(self, request: Request) -> Response:
        """What CloudFront would answer."""
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse("Only files are here. The API is at /v1, all of it at /api.\n", 405)
        path = request.scope["raw_path"].decode("latin-1")
        if path == "/site.json":
            return JSONResponse(self._told, headers={"cache-control": "no-store"})
        rules = self._rules()
        if rules is None:
            return PlainTextResponse(_NOT_YET, 404, {"refresh": "3"})  # it may be on its way
        edge, sent = rules
        address = request.client.host if request.client else "127.0.0.1"
        found = edge.look(path, _query(request.scope["query_string"].decode("latin-1")), address)
        if isinstance(found, Moved):
            return Response(status_code=found.status, headers=dict(found.headers))
        return self._file(found, sent)

    def _file(self, path: str, sent: dict[str, str]) -> Response:
        name = unquote(path).lstrip("/")
        file = (self._out / name).resolve()
        if not file.is_relative_to(self._out.resolve()) or not file.is_file():
            return PlainTextResponse("There is no such file.\n", 404, sent)
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        status = 404 if name == "404/index.html" else 200
        return FileResponse(file, status, {**sent, "cache-control": cached(name)}, media_type)

    def _rules(self) -> tuple[Edge, dict[str, str]] | None:
        """What the edge does and sends, as its files say now; None without an export."""
        stack = self._root / "stacks/frontend.yaml"
        sources = (self._out / "index.html", self._root / "edge/rewrite.js", self._root / "edge/retired.json", stack)
        try:
            changed = max(file.stat().st_mtime for file in sources)
        except FileNotFoundError:
            return None
        if self._kept is None or self._kept[0] != changed:
            edge = Edge(composed(self._root, self._out)["edge/rewrite.js"])
            self._kept = changed, edge, headers(Template(stack, {"SignInUrl": self._told["signInUrl"]}))
        return self._kept[1:]


def cached(name: str) -> str:
    """The Cache-Control of a file of the export."""
    return next(value for start, value in CACHED.items() if name.startswith(start))


def headers(stack: Template) -> dict[str, str]:
    """What stacks/frontend.yaml adds to every file. Strict-Transport-Security is for a domain, not for this machine."""
    resource = stack.resources["Headers"]["Properties"]["ResponseHeadersPolicyConfig"]
    policy: dict[str, Any] = stack.resolve(resource)
    security = policy["SecurityHeadersConfig"]
    custom = {item["Header"]: item["Value"] for item in policy["CustomHeadersConfig"]["Items"]}
    return {
        "Content-Security-Policy": security["ContentSecurityPolicy"]["ContentSecurityPolicy"],
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": security["FrameOptions"]["FrameOption"],
        "Referrer-Policy": security["ReferrerPolicy"]["ReferrerPolicy"],
        **custom,
    }


def of_this_machine(root: Path) -> Site | None:
    """The site of a checkout that has one, by the environment of the doors."""
    if not (root / "site").is_dir():
        return None
    told = {"signInUrl": os.environ["AWS_ENDPOINT_URL"], "clientId": os.environ.get("USER_POOL_CLIENT_ID", "")}
    return Site(root, told)


def _query(text: str) -> dict[str, list[str]]:
    """As it came, still percent-encoded."""
    found: dict[str, list[str]] = {}
    for part in filter(None, text.split("&")):
        name, _, value = part.partition("=")
        found.setdefault(name, []).append(value)
    return found
