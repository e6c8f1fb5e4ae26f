"""site/lib speaks of routes and bodies that the API really has: held against what GET /v1/openapi.json tells."""

from __future__ import annotations

import re

import pytest

from gateway.openapi import describe
from tests.estate import ROOT

DESCRIBED = describe("0")
OPERATIONS = {f"{method.upper()} {path}" for path, methods in DESCRIBED["paths"].items() for method in methods}
SCHEMAS = DESCRIBED["components"]["schemas"]
ROUTES = re.findall(
    r'^  "((?:GET|POST|PUT|PATCH|DELETE) /[^"]*)",$', (ROOT / "site/lib/api.ts").read_text(), re.MULTILINE
)
BODIES = (ROOT / "site/lib/shapes.ts").read_text().partition("// ----")[0]
INTERFACES = dict(re.findall(r"export interface (\w+) {\n(.*?)\n}", BODIES, re.DOTALL))


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_that_pages_ask_is_described(route: str) -> None:
    assert route in OPERATIONS


@pytest.mark.parametrize("name", INTERFACES)
def test_every_body_that_pages_send_has_the_shape_that_is_read(name: str) -> None:
    schema = SCHEMAS[name]
    fields = dict(re.findall(r"^  (\w+)(\??):", INTERFACES[name], re.MULTILINE))
    assert fields.keys() <= schema["properties"].keys()
    assert set(schema.get("required", ())) <= {field for field, optional in fields.items() if not optional}


def test_pages_ask_nothing_but_by_these_routes() -> None:
    """One place knows addresses; everything else names a route."""
    for file in [*(ROOT / "site/app").rglob("*.ts*"), *(ROOT / "site/parts").rglob("*.ts*")]:
        assert "fetch(" not in file.read_text(), file
