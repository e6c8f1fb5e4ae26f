"""The description of the API: valid OpenAPI, of exactly the routes that the template opens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from gateway.openapi import ROUTES, describe
from local.template import Template
from tests.conftest import ROOT

DOCUMENT = json.loads(json.dumps(describe("1.2.3")))
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]


def everything(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in it, at any depth."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from everything(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from everything(inner)


def resolved(reference: str) -> Any:
    found: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


def operation(path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path][method]
    return found


def test_it_is_openapi_with_a_title_and_a_version() -> None:
    assert re.fullmatch(r"3\.1\.\d", DOCUMENT["openapi"])
    assert DOCUMENT["info"] == {"title": "Drey", "version": "1.2.3"}
    assert set(DOCUMENT) <= {"openapi", "info", "security", "paths", "components", "servers", "tags"}


def test_its_routes_are_the_templates() -> None:
    declared = {
        (route.path.replace("+}", "}"), route.method.lower()) for route, _ in Template(ROOT / "template.yaml").routes
    }
    assert set(OPERATIONS) == declared


def test_no_route_is_written_down_twice() -> None:
    written = [(method, path) for method, path, *_ in ROUTES]
    assert len(written) == len(set(written))


def test_every_reference_leads_somewhere() -> None:
    references = [each["$ref"] for each in everything(DOCUMENT) if isinstance(each.get("$ref"), str)]
    mapped = [
        target
        for each in everything(DOCUMENT)
        if isinstance(each.get("discriminator"), dict)
        for target in each["discriminator"].get("mapping", {}).values()
    ]
    assert references
    for reference in references + mapped:
        assert reference.startswith("#/components/schemas/")
        assert isinstance(resolved(reference), dict), reference


def test_every_schema_is_json_schema_and_somebody_refers_to_it() -> None:
    text = json.dumps(DOCUMENT)
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert re.fullmatch(r"[a-zA-Z0-9._-]+", name), "OpenAPI allows no other names"
        Draft202012Validator.check_schema(schema)
        assert f'"#/components/schemas/{name}"' in text, f"{name} is described for nobody"


WITHOUT_A_BODY = {
    "/v1/live/ticket",
    "/v1/auth/keys/{id}/rotate",
    "/admin/keys/{id}/rotate",
    "/agent/approve/{taskId}",
    "/v1/agents/runs/{id}/cancel",
}


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_an_operation_has_what_openapi_asks_of_one(path: str, method: str) -> None:
    told = operation(path, method)
    assert told["responses"]
    assert all(re.fullmatch(r"[1-5](\d\d|XX)|default", status) for status in told["responses"])
    assert all(response["description"] for response in told["responses"].values())
    assert ("requestBody" in told) == (method in ("post", "put", "patch") and path not in WITHOUT_A_BODY)


@pytest.mark.parametrize(("path", "method"), [each for each in OPERATIONS if "{" in each[0]])
def test_every_part_of_a_path_in_braces_is_a_parameter(path: str, method: str) -> None:
    """OpenAPI 3.1, "Paths Object": each template expression must correspond to a path parameter."""
    declared = operation(path, method).get("parameters", []) + DOCUMENT["paths"][path].get("parameters", [])
    required = {each["name"] for each in declared if each["in"] == "path" and each["required"] is True}
    assert required == set(re.findall(r"\{(\w+)\}", path))


def test_every_security_scheme_that_is_asked_for_is_described_and_only_open_routes_ask_for_none() -> None:
    schemes = set(DOCUMENT["components"]["securitySchemes"])
    told = [*DOCUMENT["security"], *(each for path, method in OPERATIONS for each in asked(path, method))]
    assert {name for each in told for name in each} == schemes
    opened = {path for path, method in OPERATIONS if operation(path, method).get("security") == []}
    readers = {"/blog", "/blog/rss.xml", "/blog/sitemap.xml", "/blog/{postId}"}
    demos = {f"/public/demo/{name}" for name in ("summarize", "classify", "complete")}
    assert opened == {"/v1/openapi.json", "/health", "/v1/health"} | readers | demos


def asked(path: str, method: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = operation(path, method).get("security", [])
    return found


def test_where_the_template_has_an_authorizer_a_person_is_asked_for() -> None:
    signed_in = {(r.path, r.method.lower()) for r, _ in Template(ROOT / "template.yaml").routes if r.authorizer}
    assert {(path, method) for path, method in OPERATIONS if asked(path, method) == [{"person": []}]} == signed_in


BODIES = [f"gateway/chat-{case}" for case in ("hello", "tools", "messages", "count_tokens", "complete", "classify")]
BODIES += ["gateway/chat-responses", "gateway/chat-responses_tools"]
BODIES += ["gateway/embeddings-hello", "gateway/embeddings-native"]
BODIES += ["accounts/keys-create", "accounts/keys-change_unknown", "accounts/budget-of_another"]


@pytest.mark.parametrize("case", BODIES)
def test_a_sample_body_is_valid_by_the_description(case: str) -> None:
    event = json.loads((ROOT / f"events/{case}.json").read_text())
    told = operation(event["resource"], event["httpMethod"].lower())
    schema = told["requestBody"]["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(json.loads(event["body"]))
