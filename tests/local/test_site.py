"""The site as the front door serves it: CloudFront's rules and headers, and a hint where it is not built."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from local.site import Site
from tests.estate import ROOT

TOLD = {"signInUrl": "http://127.0.0.1:1", "clientId": "abc"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with a small export, and a secret beside it."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "edge", root / "edge")
    (root / "stacks").mkdir()
    shutil.copy(ROOT / "stacks/frontend.yaml", root / "stacks")
    for name in ("index", "404/index", "sayings/index"):
        (root / "site/out" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "site/out" / name).with_suffix(".html").write_text(f"<p>{name}")
    (root / "site/out/_next/static").mkdir(parents=True)
    (root / "site/out/_next/static/a.js").write_text("1")
    (root / "site/secret.txt").write_text("secret")
    return root


@pytest.fixture(scope="module")
def site(root: Path) -> Site:
    return Site(root, TOLD)


def asked(site: Site, path: str, method: str = "GET") -> Response:
    scope: dict[str, Any] = {"type": "http", "method": method, "raw_path": path.encode(), "path": path}
    return site.answer(Request({**scope, "query_string": b"", "headers": [], "client": ("127.0.0.1", 1)}))


@pytest.mark.parametrize(
    ("path", "status", "cached"),
    [
        ("/", 200, "public, max-age=0, must-revalidate"),
        ("/sayings", 200, "public, max-age=0, must-revalidate"),
        ("/sayings/", 200, "public, max-age=0, must-revalidate"),
        ("/_next/static/a.js", 200, "public, max-age=31536000, immutable"),
        ("/nothing", 404, "public, max-age=0, must-revalidate"),
    ],
)
def test_a_page_comes_with_its_status_its_age_and_the_headers_of_the_stack(
    site: Site, path: str, status: int, cached: str
) -> None:
    answer = asked(site, path)
    assert (answer.status_code, answer.headers["cache-control"]) == (status, cached)
    assert "connect-src 'self' http://127.0.0.1:1;" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "//secret.txt", "/sayings/../../secret.txt"]
)
def test_nothing_beside_the_export_is_served(site: Site, path: str) -> None:
    answer = asked(site, path)
    assert (answer.status_code, answer.body) == (404, b"There is no such file.\n")


def test_a_retired_address_leads_to_its_new_one(site: Site) -> None:
    answer = asked(site, "/blog/holds/")
    assert (answer.status_code, answer.headers["location"]) == (301, "/blog/what-a-hold-is/")


def test_pages_learn_where_people_sign_in(site: Site) -> None:
    assert asked(site, "/site.json").body == b'{"signInUrl":"http://127.0.0.1:1","clientId":"abc"}'


def test_files_are_read_and_not_written(site: Site) -> None:
    assert asked(site, "/", "POST").status_code == 405


def test_without_an_export_it_says_how_to_make_one(tmp_path: Path) -> None:
    answer = asked(Site(tmp_path, TOLD), "/")
    assert answer.status_code == 404
    assert b"make site" in answer.body
