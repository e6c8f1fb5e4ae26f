"""A door: routing, ids, deadlines, errors into answers, and requests that never see each other."""

import base64
import io
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from llm_core.aws import refusals, telemetry
from llm_core.aws.http import Door, Response
from llm_core.errors import InvalidRequest, NotFound, StoreUnavailable


class Context:
    """What Lambda tells a function about its invocation."""

    def __init__(self, seconds: float = 30) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


def event(path: str = "/v1/echo", method: str = "GET", body: str | None = None, **headers: str) -> dict[str, Any]:
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
        "multiValueHeaders": {name.replace("_", "-"): [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "pathParameters": None,
        "requestContext": {
            "requestId": "from-api-gateway",
            "stage": "api",
            "path": f"/api{path}",
            "httpMethod": method,
        },
        "body": body,
        "isBase64Encoded": False,
    }


@pytest.fixture
def door() -> Door:
    """A door with a route for each thing that can happen behind one."""
    door = Door({"/v1/chat/": refusals.openai, "/v1/messages": refusals.anthropic})

    @door.get("/v1/echo")
    def echo() -> Response:
        return Response(200, json.dumps({"note": door.header("X-Note")}).encode())

    @door.post("/v1/body")
    def body() -> Response:
        return Response(200, door.body(), content_type="text/plain; charset=utf-8")

    @door.get("/v1/stream")
    def stream() -> Response:
        return Response(200, iter([b"one", b"two"]), content_type="text/event-stream")

    @door.get("/v1/chat/refuse")
    def refuse() -> Response:
        raise InvalidRequest("max_tokens: too many.", param="max_tokens")

    @door.get("/v1/native/refuse")
    def refuse_natively() -> Response:
        raise NotFound("Nothing here.")

    @door.get("/v1/native/later")
    def later() -> Response:
        raise StoreUnavailable("Try again.")

    @door.get("/v1/native/defect")
    def defect() -> Response:
        raise ZeroDivisionError("secret reason sk-ant-1234567890")

    return door


def test_a_warm_up_event_is_answered_at_once(door: Door) -> None:
    assert door({"warmup": True}, None) == {"statusCode": 200, "body": "warm"}


def test_every_answer_carries_its_request_id_under_both_names(door: Door) -> None:
    headers = door(event(), Context())["multiValueHeaders"]
    assert headers["x-request-id"] == headers["request-id"] == ["from-api-gateway"]


def test_a_clients_own_id_is_kept(door: Door) -> None:
    assert door(event(X_Request_Id="mine-1"), Context())["multiValueHeaders"]["x-request-id"] == ["mine-1"]


@pytest.mark.parametrize("strange", ["sk-proj-" + "a" * 55, "two words", "x" * 129, "new\nline", "ünicode", ""])
def test_a_strange_id_is_not_repeated(door: Door, strange: str) -> None:
    headers = door(event(x_request_id=strange), Context())["multiValueHeaders"]
    assert headers["x-request-id"] == ["from-api-gateway"]


def test_a_body_arrives_as_it_was_sent_also_when_it_is_binary(door: Door) -> None:
    assert door(event("/v1/body", "POST", "Grüße 🐿️"), Context())["body"] == "Grüße 🐿️"
    binary = event("/v1/body", "POST", base64.b64encode(b"plain after all").decode()) | {"isBase64Encoded": True}
    assert door(binary, Context())["body"] == "plain after all"


def test_a_compressed_body_is_refused_by_its_name(door: Door) -> None:
    answer = door(event("/v1/body", "POST", "H4sIAAAA", Content_Encoding="gzip"), Context())
    assert (answer["statusCode"], "gzip" in answer["body"]) == (400, True)
    assert door(event("/v1/body", "POST", "plain", Content_Encoding="Identity"), Context())["body"] == "plain"


def test_a_body_that_is_an_iterator_passes_through_unread(door: Door) -> None:
    answer = door(event("/v1/stream"), Context())
    assert isinstance(answer["body"], Iterator)
    assert b"".join(answer["body"]) == b"onetwo"


def test_an_error_is_told_in_openais_dialect_where_its_clients_are(door: Door) -> None:
    answer = door(event("/v1/chat/refuse"), Context())
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["error"] == {
        "message": "max_tokens: too many.",
        "type": "invalid_request_error",
        "param": "max_tokens",
        "code": "invalid_request",
    }


def test_an_error_is_told_natively_elsewhere(door: Door) -> None:
    answer = door(event("/v1/native/refuse"), Context())
    assert json.loads(answer["body"]) == {
        "error": "Nothing here.",
        "code": "not_found",
        "statusCode": 404,
        "requestId": "from-api-gateway",
    }


def test_a_client_is_told_whether_another_try_may_help(door: Door) -> None:
    later = door(event("/v1/native/later"), Context())
    assert (later["statusCode"], later["multiValueHeaders"]["x-should-retry"]) == (503, ["true"])
    never = door(event("/v1/native/defect"), Context())
    assert (never["statusCode"], never["multiValueHeaders"]["x-should-retry"]) == (500, ["false"])


def test_a_defect_of_ours_shows_its_id_and_nothing_else(door: Door, log: io.StringIO) -> None:
    answer = door(event("/v1/native/defect"), Context())
    assert "secret reason" not in answer["body"]
    assert "from-api-gateway" in answer["body"]
    assert "ZeroDivisionError" in log.getvalue()
    assert "sk-ant-1234567890" not in log.getvalue()


def test_a_page_in_a_browser_may_read_the_answer_and_its_account(door: Door) -> None:
    headers = door(event(), Context())["multiValueHeaders"]
    assert headers["Access-Control-Allow-Origin"] == ["*"]
    assert "x-drey-cost-usd" in headers["Access-Control-Expose-Headers"][0]


def test_a_trace_context_is_handed_back_as_it_came(door: Door) -> None:
    own = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert door(event(traceparent=own), Context())["multiValueHeaders"]["traceparent"] == [own]
    assert "traceparent" not in door(event(traceparent="bogus"), Context())["multiValueHeaders"]


def test_an_unknown_route_is_a_404_with_the_route_in_it(door: Door) -> None:
    answer = door(event("/v1/nowhere"), Context())
    assert answer["statusCode"] == 404
    assert "GET /v1/nowhere" in answer["body"]


def test_the_deadline_leaves_time_to_tell_the_caller(door: Door) -> None:
    seen: list[float] = []

    @door.get("/v1/deadline")
    def deadline() -> Response:
        seen.append(door.deadline.remaining())
        return Response(200, b"{}")

    door(event("/v1/deadline"), Context(seconds=30))
    assert 24.5 < seen[0] <= 25


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"authorization": "Bearer abc"}, "abc"),
        ({"Authorization": "bearer  abc "}, "abc"),
        ({"X-API-Key": "abc"}, "abc"),
        ({"authorization": "Bearer abc", "x_api_key": "abc"}, "abc"),
        ({"authorization": "Basic abc"}, None),
        ({}, None),
    ],
)
def test_a_key_comes_in_either_header(door: Door, headers: dict[str, str], key: str | None) -> None:
    seen: list[str | None] = []

    @door.get("/v1/key")
    def show() -> Response:
        seen.append(door.api_key())
        return Response(200, b"{}")

    door(event("/v1/key", **headers), Context())
    assert seen == [key]


def test_a_body_is_told_and_closed_in_the_context_of_its_request(door: Door, log: io.StringIO) -> None:
    """Given two that are read in turns, after their doors have returned: each line has its own request's id."""

    @door.get("/v1/told")
    def told() -> Response:
        def pieces() -> Iterator[bytes]:
            try:
                for _ in range(2):
                    telemetry.logger.info("told")
                    yield b"piece"
            finally:
                telemetry.logger.info("closed")

        return Response(200, pieces(), content_type="text/event-stream")

    bodies = [door(event("/v1/told", x_request_id=name), Context())["body"] for name in ("one", "two")]
    for _ in range(2):
        for body in bodies:
            assert next(body) == b"piece"
    for body in bodies:
        body.close()
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(line["message"], line["request_id"]) for line in lines] == [
        *[("told", "one"), ("told", "two")] * 2,
        *[("closed", "one"), ("closed", "two")],
    ]


def test_requests_of_one_process_never_see_each_others(door: Door) -> None:
    """Sixteen threads, each asking with a note of its own, all meeting inside the route."""
    meeting = threading.Barrier(16)

    @door.get("/v1/meet")
    def meet() -> Response:
        before = door.header("x-note")
        meeting.wait(timeout=10)
        after = door.header("x-note")
        return Response(200, json.dumps([before, after, door.request_id]).encode())

    def ask(number: int) -> bool:
        note = f"note-{number}"
        answer = door(event("/v1/meet", x_note=note, x_request_id=note), Context())
        seen: list[str] = json.loads(answer["body"])
        return seen == [note] * 3 and answer["multiValueHeaders"]["x-request-id"] == [note]

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(16 * 12)))
