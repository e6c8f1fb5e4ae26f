"""The front door behaves as the REST API of the template would."""

import base64
import json

import pytest

from local.front import GATEWAY_LIMIT
from tests.local.conftest import Run, wait_until


def test_a_request_becomes_api_gateways_event(running: Run) -> None:
    answer = running.ask("POST", "/v1/echo?a=1&a=2&b=x%20y&c=", b"h\xc3\xa9llo", Content_Type="text/plain")
    event = answer.json["event"]
    assert answer.status == 201
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/v1/echo", "/v1/echo", "POST")
    assert event["requestContext"]["path"] == "/api/v1/echo"
    assert event["requestContext"]["stage"] == "api"
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert (event["body"], event["isBase64Encoded"]) == ("héllo", False)
    assert event["queryStringParameters"] == {"a": "2", "b": "x y", "c": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": ["x y"], "c": [""]}
    assert event["pathParameters"] is None
    assert event["headers"]["content-type"] == "text/plain"
    assert "content-length" not in event["headers"]


def test_a_request_without_a_body_has_none(running: Run) -> None:
    event = running.ask("GET", "/v1/echo").json["event"]
    assert (event["body"], event["queryStringParameters"]) == (None, None)


def test_a_repeated_header_keeps_all_its_values_and_its_last(running: Run) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.putrequest("GET", "/v1/echo")
    connection.putheader("X-Tag", "first")
    connection.putheader("X-Tag", "second")
    connection.endheaders()
    event = json.loads(connection.getresponse().read())["event"]
    connection.close()
    assert event["headers"]["x-tag"] == "second"
    assert event["multiValueHeaders"]["x-tag"] == ["first", "second"]


def test_bytes_that_are_no_text_arrive_as_base64(running: Run) -> None:
    event = running.ask("POST", "/v1/echo", b"\xff\xfe\x00").json["event"]
    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == b"\xff\xfe\x00"


def test_bytes_come_back_from_base64(running: Run) -> None:
    answer = running.ask("GET", "/v1/moody/binary")
    assert (answer.header("content-type"), answer.body) == ("image/png", bytes(range(256)))


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/v1/items/7", "/v1/items/{id}", {"id": "7"}),
        ("/v1/items/new", "/v1/items/new", None),
        ("/v1/items/a/b%2Fc", "/v1/items/{path+}", {"path": "a/b%2Fc"}),  # REST APIs do not decode
        ("/api/v1/items/7", "/v1/items/{id}", {"id": "7"}),
        ("/api/stage-only", "/stage-only", None),
    ],
)
def test_routes_are_the_templates_the_more_specific_first(
    running: Run, path: str, resource: str, parameters: dict[str, str] | None
) -> None:
    event = running.ask("GET", path).json["event"]
    assert (event["resource"], event["pathParameters"]) == (resource, parameters)


def test_both_kinds_of_headers_reach_the_client(running: Run) -> None:
    answer = running.ask("GET", "/v1/echo")
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2"]
    assert (answer.header("x-one"), answer.header("x-both")) == ("1", "kept")
    assert answer.header("content-type") == "application/json"


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/nothing"), ("DELETE", "/v1/echo"), ("GET", "/api")])
def test_an_unknown_route_is_refused_in_the_templates_shape(running: Run, method: str, path: str) -> None:
    answer = running.ask(method, path)
    assert answer.status == 403
    assert answer.json["kind"] == "4xx"
    assert answer.json["message"] == "Missing Authentication Token"
    assert answer.json["id"] == answer.header("x-request-id")
    assert answer.header("access-control-allow-origin") == "https://example.org"


def test_what_is_not_the_apis_is_not_found(running: Run) -> None:
    assert running.ask("GET", "/stage-only").status == 404  # served under /api only


@pytest.mark.parametrize("size", [GATEWAY_LIMIT + 1, 7 * 1024 * 1024])
def test_too_large_a_body_is_refused(running: Run, size: int) -> None:
    answer = running.ask("POST", "/v1/echo", b"x" * size)
    assert (answer.status, answer.json["code"]) == (413, "REQUEST_TOO_LARGE")


def test_a_preflight_is_answered_from_the_template(running: Run) -> None:
    answer = running.ask("OPTIONS", "/v1/echo", Origin="https://example.org", Access_Control_Request_Method="POST")
    assert answer.status == 200
    assert answer.header("access-control-allow-origin") == "https://example.org"
    assert answer.header("access-control-allow-methods") == "GET,POST"
    assert answer.header("access-control-allow-headers") == "*,Authorization"
    assert answer.header("access-control-max-age") == "600"


def test_a_door_sees_the_deployed_environment_and_a_real_context(running: Run) -> None:
    told = running.ask("GET", "/v1/echo").json
    facts = running.facts
    assert told["stage"] == "local"
    assert told["endpoint"] == facts["emulator"]
    assert told["table"] == facts["environment"]["NOTES_TABLE_NAME"] != "shadow"
    assert told["foreign"] == []
    assert (told["function"], told["memory"]) == ("Echo", 256)
    assert 25_000 < told["remaining"] <= 30_000


def test_an_emulated_service_invokes_the_door_in_process(running: Run) -> None:
    resources = running.aws("cloudformation").list_stack_resources(StackName="sample-local")["StackResourceSummaries"]
    names = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
    answer = running.aws("lambda").invoke(FunctionName=names["Echo"], Payload=b'{"note": "from lambda"}')
    assert json.load(answer["Payload"])["noted"] == "from lambda"
    assert running.noted("from lambda")

    failed = running.aws("lambda").invoke(FunctionName=names["Moody"], Payload=b"{}")
    assert failed["FunctionError"]
    assert "LookupError" in failed["Payload"].read().decode()


def test_state_machines_and_nested_stacks_are_deployed_as_they_stand(running: Run) -> None:
    outputs = running.facts["outputs"]
    assert "sample-local" in outputs["QueueUrl"]
    running.aws("stepfunctions").start_execution(stateMachineArn=outputs["NotebookArn"], input='{"note": "by machine"}')
    wait_until(lambda: running.noted("by machine"))


@pytest.mark.parametrize(
    "headers", [{}, {"X_Amzn_Lambda_Function_Name": "Echo", "Host": "attacker.example"}], ids=["plain", "rebound"]
)
def test_no_web_page_can_invoke_a_function(running: Run, headers: dict[str, str]) -> None:
    assert running.ask("POST", "/_lambda/Echo", b'{"note": "forged"}', **headers).status == 403
    assert not running.noted("forged")
