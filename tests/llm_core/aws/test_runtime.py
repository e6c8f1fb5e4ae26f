"""The loop over the Lambda Runtime API: the real script and process, against a Runtime API that reads strictly."""

from __future__ import annotations

import ast
import json
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.llm_core.aws.looping import Loop, looping
from tests.runtime_api import Heard

KINDS = ["ValueError", "OSError", "RecursionError", "StopIteration", "SystemExit", "KeyboardInterrupt", "GeneratorExit"]


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """One process for most tests: each finds it well after whatever the one before did to it."""
    with looping(tmp_path_factory.mktemp("loop")) as started:
        yield started
        assert started.is_well()
        assert started.process.poll() is None


# ------------------------------------------------------------------------------------------------ answers


def test_a_piece_arrives_before_the_next_one_is_made(loop: Loop) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        ordered = loop.api.invoke({"act": "paced", "pieces": ["one", "two", "three"], "gate": port})
        gate, _ = server.accept()
        with gate:
            gate.send(b"1")
            assert ordered.next() == Heard(
                "prelude", {"statusCode": 200, "headers": {"Content-Type": "text/event-stream"}}
            )
            assert ordered.next() == Heard("piece", b"one")
            gate.send(b"2")
            assert ordered.next() == Heard("piece", b"two")
            gate.send(b"3")
            assert ordered.next() == Heard("piece", b"three")
    assert ordered.next() == Heard("end")


def test_a_whole_answer_leaves_in_the_same_form(loop: Loop) -> None:
    answer = {"statusCode": 201, "headers": {"x-note": "1"}, "body": "Grüße 🐿️"}
    prelude, piece, end = loop("whole", answer=answer)
    assert prelude.said == {"statusCode": 201, "headers": {"x-note": "1"}}
    assert (piece.said.decode(), end) == ("Grüße 🐿️", Heard("end"))


def test_a_whole_answer_in_base64_leaves_as_its_bytes(loop: Loop) -> None:
    answer = {"statusCode": 200, "body": "AAECAwAAAAAAAAAA", "isBase64Encoded": True}
    assert loop("whole", answer=answer)[1] == Heard("piece", bytes([0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0]))


@pytest.mark.parametrize("body", [{}, {"body": None}, {"body": ""}], ids=str)
def test_an_answer_without_a_body_is_its_prelude(loop: Loop, body: dict[str, Any]) -> None:
    assert loop("whole", answer={"statusCode": 204, **body}) == [Heard("prelude", {"statusCode": 204}), Heard("end")]


def test_headers_and_cookies_of_every_form_are_handed_on(loop: Loop) -> None:
    told = {
        "statusCode": 200,
        "headers": {"x-name": "Jürgen 🐿️", "x-odd": 'a "quote"\0'},
        "multiValueHeaders": {"set-cookie": ["a=1", "b=2"], "Vary": ["Origin"]},
        "cookies": ["c=3; Secure", "d=4"],
    }
    assert loop("whole", answer={**told, "body": "x"})[0] == Heard("prelude", told)


def test_empty_pieces_do_not_end_a_stream(loop: Loop) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        pieces = ["", "one", "", "", "two", ""]
        ordered = loop.api.invoke({"act": "paced", "pieces": pieces, "gate": server.getsockname()[1]})
        gate, _ = server.accept()
        with gate:
            gate.send(b"." * len(pieces))
            heard = ordered.all()
    assert heard[1:] == [Heard("piece", b"one"), Heard("piece", b"two"), Heard("end")]


def test_a_streamed_answer_may_be_longer_than_a_whole_one(loop: Loop) -> None:
    heard = loop("large", bytes=7_000_000)
    assert (sum(len(each.said) for each in heard[1:-1]), heard[-1]) == (7_000_000, Heard("end"))


# ------------------------------------------------------------------------------------------------ what a door is told


def told_by(loop: Loop, **ordered: Any) -> dict[str, Any]:
    heard = loop.api.invoke({"act": "told"}, **ordered).all()
    seen: dict[str, Any] = ast.literal_eval(heard[1].said.decode())
    return seen


def test_a_door_is_told_what_lambda_knows_of_the_invocation(loop: Loop) -> None:
    ordered = loop.api.invoke({"act": "told"}, seconds=20)
    seen = ast.literal_eval(ordered.all()[1].said.decode())
    assert seen["function_name"] == "doors"
    assert seen["memory_limit_in_mb"] == 1024
    assert seen["invoked_function_arn"] == "arn:aws:lambda:eu-west-1:123456789012:function:doors"
    assert seen["aws_request_id"] == ordered.id
    assert 15_000 < seen["left"] <= 20_000


def test_no_time_is_left_when_the_deadline_has_passed(loop: Loop) -> None:
    assert told_by(loop, seconds=-5)["left"] == 0


def test_the_trace_is_that_of_the_invocation_and_never_of_the_one_before(loop: Loop) -> None:
    trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"
    assert told_by(loop, trace=trace)["trace"] == trace
    assert told_by(loop)["trace"] is None


def test_all_are_served_by_one_process_whose_garbage_collector_slept_only_while_it_started(loop: Loop) -> None:
    first, second = told_by(loop), told_by(loop)
    assert first["process"] == second["process"] == loop.process.pid
    assert first["gc"] == [False, True, True]


def test_a_printed_line_is_in_the_log_before_the_process_is_frozen(loop: Loop) -> None:
    loop("talkative")
    assert "a line that must not be kept back\n" in loop.log


# ------------------------------------------------------------------------------------------------ failures


@pytest.mark.parametrize("kind", KINDS)
def test_a_handler_that_fails_is_an_error_and_no_answer(loop: Loop, kind: str) -> None:
    (error,) = loop("raising", error=kind)
    assert (error.what, error.type, error.said["errorType"]) == ("error", kind, kind)
    assert loop.is_well()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "StopIteration"])
def test_a_body_that_fails_at_its_first_piece_is_an_error_too(loop: Loop, kind: str) -> None:
    """Nothing has been promised yet, so the client must not see a 200."""
    (error,) = loop("raising", error=kind, pieces=[])
    assert (error.what, error.type) == ("error", kind)
    assert loop.is_well()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "StopIteration"])
def test_a_body_that_fails_on_the_way_is_told_behind_what_was_sent(loop: Loop, kind: str) -> None:
    heard = loop("raising", error=kind, pieces=["one", "two"])
    assert [each.said for each in heard[1:3]] == [b"one", b"two"]
    assert (heard[3].what, heard[3].type, heard[3].said["errorType"]) == ("failed", kind, kind)
    assert loop.is_well()


@pytest.mark.parametrize(
    "answer",
    ["hello", None, 7, {"body": "no status"}, {"statusCode": 200, "body": [1, 2]}, {"statusCode": 200, "body": 7}],
)
def test_what_is_no_answer_is_an_error(loop: Loop, answer: Any) -> None:
    (error,) = loop("whole", answer=answer)
    assert error.what == "error"
    assert loop.is_well()


def test_an_errors_words_stay_in_the_log(loop: Loop) -> None:
    (error,) = loop("raising", error="LookupError")
    assert "prompt" not in json.dumps(error.said)
    assert "LookupError: a customer's prompt" in loop.log


def test_in_prod_they_are_in_no_log_either(tmp_path: Path) -> None:
    with looping(tmp_path, STAGE="prod") as loop:
        loop("raising", error="LookupError", pieces=["one"])
        assert "a customer's prompt" not in loop.log
        assert "invocation_failed" in loop.log
        assert "LookupError" in loop.log


# ------------------------------------------------------------------------------------------------ Lambda goes away


def test_a_body_that_nobody_takes_is_closed(loop: Loop, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    assert loop.api.invoke({"act": "endless", "mark": str(mark)}, reset_after=3).all()[-1] == Heard("lost")
    assert loop.is_well()
    assert mark.read_text() == "closed"
    assert "answer_lost" in loop.log


def test_one_that_fails_while_it_is_closed_harms_nobody(loop: Loop, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    loop.api.invoke({"act": "endless", "mark": str(mark), "error": "ZeroDivisionError"}, reset_after=3).all()
    assert loop.is_well()
    assert mark.read_text() == "closed"
    assert "ZeroDivisionError" in loop.log


@pytest.mark.parametrize("event", [{"act": "large", "bytes": 9}, {"act": "raising", "error": "ValueError"}], ids=str)
def test_an_answer_that_comes_too_late_is_given_up(loop: Loop, event: dict[str, Any]) -> None:
    """Lambda has ended that invocation: 403 for its id."""
    before = len(loop.log)
    loop.api.invoke(event, refuse=403).all()
    assert loop.is_well()
    assert "answer_lost" in loop.log[before:]


def test_a_runtime_api_that_is_beyond_repair_ends_the_process(tmp_path: Path) -> None:
    with looping(tmp_path) as loop:
        loop.api.invoke({"act": "large", "bytes": 9}, refuse=500).all()
        assert loop.process.wait(timeout=20) != 0


def test_without_a_runtime_api_the_process_ends(tmp_path: Path) -> None:
    with looping(tmp_path) as loop:
        assert loop.is_well()
        loop.api.orders.put(None)
        assert loop.process.wait(timeout=20) != 0


# ------------------------------------------------------------------------------------------------ the start


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        ("nowhere.handler", "ModuleNotFoundError"),
        ("doors.nothing", "AttributeError"),
        ("broken.handler", "ZeroDivisionError"),
        ("leaving.handler", "SystemExit"),
        ("handler", "ValueError"),
    ],
)
def test_a_door_that_cannot_be_imported_is_told_and_ends_the_process(tmp_path: Path, handler: str, kind: str) -> None:
    (tmp_path / "broken.py").write_text("handler = 1 / 0")
    (tmp_path / "leaving.py").write_text("raise SystemExit")
    with looping(tmp_path, handler) as loop:
        error = loop.api.started.get(timeout=20)
        assert (error.what, error.type, error.said["errorType"]) == ("init_error", kind, kind)
        assert loop.process.wait(timeout=20) == 1
        assert kind in loop.log


def test_the_layers_build_puts_the_script_where_lambda_looks_for_it(tmp_path: Path) -> None:
    """The real makefile, with a Python that does nothing: no packages are installed."""
    (tmp_path / "python").mkdir()
    make = ["make", "-s", "-f", "../../Makefile", "build-LlmCoreLayer", f"ARTIFACTS_DIR={tmp_path}", "PYTHON=true"]
    subprocess.run(make, cwd=ROOT / "layers/llm_core/processors/x86_64", check=True)
    assert (tmp_path / "python/llm_core/aws/runtime.py").is_file()
    assert stat.S_IMODE((tmp_path / "streaming").stat().st_mode) == 0o755  # at /opt/streaming


# ------------------------------------------------------------------------------------------------ the platform's doors


def rest_event(path: str) -> dict[str, Any]:
    return {
        "resource": path,
        "path": path,
        "httpMethod": "GET",
        "headers": {"x-request-id": "mine-1"},
        "multiValueHeaders": {"x-request-id": ["mine-1"]},
        "requestContext": {"requestId": "from-api-gateway", "stage": "api", "path": f"/api{path}", "httpMethod": "GET"},
        "body": None,
        "isBase64Encoded": False,
    }


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    with looping(tmp_path_factory.mktemp("door"), "doors.door") as started:
        yield started


def test_a_door_streams_under_its_own_headers(door: Loop) -> None:
    heard = door.api.invoke(rest_event("/v1/stream")).all()
    headers = heard[0].said["multiValueHeaders"]
    assert headers["x-drey-provider"] == ["anthropic"]
    assert headers["Content-Type"] == ["text/event-stream"]
    assert headers["x-request-id"] == ["mine-1"]
    assert [each.said for each in heard[1:-1]] == [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"]


def test_what_is_logged_while_an_answer_leaves_is_found_by_its_requests_id(door: Loop) -> None:
    door.api.invoke(rest_event("/v1/told")).all()
    lines = [json.loads(line) for line in door.log.splitlines() if line.startswith("{")]
    (told,) = [line for line in lines if line["message"] == "while it is told"]
    assert (told["request_id"], told["gateway_request_id"]) == ("mine-1", "from-api-gateway")
    (failed,) = [line for line in lines if line.get("event") == "invocation_failed"]
    assert failed["gateway_request_id"] == "from-api-gateway"


def test_a_door_answers_whole_and_refuses_in_the_same_form(door: Loop) -> None:
    whole = door.api.invoke(rest_event("/v1/whole")).all()
    assert (whole[0].said["statusCode"], whole[1].said.decode()) == (200, '{"name": "Grüße"}')
    refused = door.api.invoke(rest_event("/v1/nowhere")).all()
    assert (refused[0].said["statusCode"], json.loads(refused[1].said)["code"]) == (404, "not_found")


def test_a_warm_up_is_answered(door: Loop) -> None:
    assert [each.what for each in door.api.invoke({"warmup": True}).all()] == ["prelude", "piece", "end"]
