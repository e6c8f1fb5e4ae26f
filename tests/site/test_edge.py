"""edge/: the functions that CloudFront runs, here by the interpreter of `make run`, and by Node, where there is one."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.edge import LARGEST, Edge, Moved, composed, pages
from local.project import CannotStart
from tests.estate import ROOT

FILES = (
    *("index.html", "404/index.html", "blog/index.html", "blog/post/index.html", "blog/a-hold/index.html"),
    *("sayings/index.html", "dashboard/index.html", "dashboard/keys/index.html", "theme.js", "_next/static/a.b.js"),
)
VIEWER = "198.51.100.7"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export like the real one."""
    return exported(tmp_path_factory.mktemp("out"), *FILES)


def exported(folder: Path, *files: str) -> Path:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    return folder


@pytest.fixture(scope="module")
def edge(out: Path) -> Edge:
    return Edge(composed(ROOT, out)["edge/rewrite.js"])


@pytest.mark.parametrize(
    ("asked", "file"),
    [
        ("/", "/index.html"),
        ("/sayings", "/sayings/index.html"),
        ("/sayings/", "/sayings/index.html"),
        ("/dashboard/keys", "/dashboard/keys/index.html"),
        ("/blog/a-hold/", "/blog/a-hold/index.html"),
        ("/blog/published-yesterday", "/blog/post/index.html"),
        ("/blog/published-yesterday/", "/blog/post/index.html"),
        ("/theme.js", "/theme.js"),
        ("/_next/static/a.b.js", "/_next/static/a.b.js"),
        ("/nothing", "/404/index.html"),
        ("/sayings/deeper/", "/404/index.html"),
        ("/404/", "/404/index.html"),
        ("/a/b.c/", "/404/index.html"),
        ("//elsewhere.example", "//elsewhere.example"),
        ("//elsewhere.example/", "/404/index.html"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/api/blog/anything", "/api/blog/anything"),
        ("/live", "/live"),
        ("/__proto__", "/404/index.html"),
    ],
)
def test_every_address_leads_to_its_file(edge: Edge, asked: str, file: str) -> None:
    assert edge.look(asked, {}, VIEWER) == file


@pytest.mark.parametrize("asked", ["/blog/holds", "/blog/holds/"])
def test_a_retired_address_has_moved_and_keeps_its_query(edge: Edge, asked: str) -> None:
    moved = edge.look(asked, {"a": ["1"], "b": ["x%20y", "2"], "flag": [""]}, VIEWER)
    assert isinstance(moved, Moved)
    assert (moved.status, moved.headers["location"]) == (301, "/blog/what-a-hold-is/?a=1&b=x%20y&b=2&flag")


def test_www_leads_to_the_domain_itself(edge: Edge) -> None:
    moved = edge.look("/sayings/", {"a": ["1"]}, VIEWER, host="www.example.com")
    assert isinstance(moved, Moved)
    assert moved.headers["location"] == "https://example.com/sayings/?a=1"


@given(st.text(alphabet="/.\\%:@?#abAB09_-~é", max_size=30))
def test_no_address_leads_out_of_the_site(edge: Edge, path: str) -> None:
    """Not one that is made of any letters after its slash is a redirect, unless it is written down as retired."""
    found = edge.look(f"/{path}", {"next": ["https://elsewhere.example"]}, VIEWER)
    assert isinstance(found, str) or f"/{path}".rstrip("/") == "/blog/holds"
    assert isinstance(found, Moved) or found.startswith("/")


@given(st.sampled_from(FILES))
def test_every_exported_path_resolves_to_an_existing_file(edge: Edge, out: Path, name: str) -> None:
    resolves(edge, out, name)


def resolves(edge: Edge, out: Path, name: str) -> None:
    """A page by its address with and without the slash, any other file by its own name."""
    if not name.endswith("index.html"):
        assert edge.look(f"/{name}", {}, VIEWER) == f"/{name}"
        return
    address = f"/{name.removesuffix('index.html')}"
    for asked in {address, address.rstrip("/") or "/"}:
        found = edge.look(asked, {}, VIEWER)
        assert isinstance(found, str)
        assert found == f"/{name}"
        assert (out / found.lstrip("/")).is_file()


def test_every_path_of_the_built_site_resolves_to_an_existing_file() -> None:
    out = ROOT / "site/out"
    if not (out / "index.html").exists():
        pytest.skip("the site is not built: make site")
    edge = Edge(composed(ROOT, out)["edge/rewrite.js"])
    names = [file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_file()]
    assert len(names) > 20
    for name in names:
        resolves(edge, out, name)


@pytest.mark.parametrize("uri", ["/", "/v1/models", "/api/sayings", "/live"])
def test_what_a_client_says_about_its_address_is_overwritten(out: Path, uri: str) -> None:
    import dukpy

    interpreter: Any = dukpy.JSInterpreter()
    interpreter.evaljs(composed(ROOT, out)["edge/rewrite.js"])
    headers = {"x-viewer-ip": {"value": "203.0.113.1"}, "host": {"value": "example.com"}}
    request = {"uri": uri, "querystring": {}, "headers": headers}
    told = interpreter.evaljs("handler(dukpy['event'])", event={"viewer": {"ip": VIEWER}, "request": request})
    assert told["headers"]["x-viewer-ip"] == {"value": VIEWER}


def test_the_page_for_nothing_there_has_status_404(out: Path) -> None:
    import dukpy

    interpreter: Any = dukpy.JSInterpreter()
    interpreter.evaljs(composed(ROOT, out)["edge/status.js"])
    told = {"x-amz-meta-status": {"value": "404"}, "content-type": {"value": "text/html"}}
    answer = interpreter.evaljs("handler(dukpy['e'])", e={"response": {"statusCode": 200, "headers": told}})
    assert (answer["statusCode"], answer["headers"]) == (404, {"content-type": {"value": "text/html"}})
    whole = {"response": {"statusCode": 200, "headers": {}}}
    assert interpreter.evaljs("handler(dukpy['e'])", e=whole) == whole["response"]


def test_node_reads_the_rules_as_the_interpreter_here_does(edge: Edge, out: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("needs Node")
    asked = ["/", "/sayings", "/blog/new", "/nothing", "/a/b.c/", "/theme.js", "//x", "/blog/holds", "/v1/models"]
    event = "{viewer: {ip: '1.1.1.1'}, request: {uri: uri, querystring: {}, headers: {host: {value: 'a.example'}}}}"
    script = composed(ROOT, out)["edge/rewrite.js"]
    script += f"console.log(JSON.stringify({json.dumps(asked)}.map(uri => handler({event}))))"
    told = json.loads(subprocess.run(["node", "-e", script], capture_output=True, check=True, timeout=30).stdout)
    for uri, answer in zip(asked, told, strict=True):
        found = edge.look(uri, {}, "1.1.1.1", "a.example")
        assert answer["uri"] == found if isinstance(found, str) else answer["statusCode"] == found.status


def test_a_function_too_large_for_cloudfront_is_refused_before_it_is_deployed(tmp_path: Path) -> None:
    posts = (f"blog/{'a-long-title-' * 4}{number}/index.html" for number in range(LARGEST // 60))
    with pytest.raises(CannotStart, match="CloudFront takes 10000"):
        composed(ROOT, exported(tmp_path, "index.html", *posts))


def test_the_pages_of_an_export_are_its_addresses(out: Path) -> None:
    assert pages(out) == ["/", "/blog/", "/blog/a-hold/", "/dashboard/", "/dashboard/keys/", "/sayings/"]
