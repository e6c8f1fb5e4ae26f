"""Answers on their way out: whole, streamed, late, broken."""

import http.client
import socket
import time

import pytest

from tests.local.conftest import Run, wait_until


@pytest.mark.parametrize("mood", ["raise", "timeout", "exit", "stop", "malformed", "large"])
def test_a_failed_handler_is_502_and_tells_the_client_nothing(running: Run, mood: str) -> None:
    answer = running.ask("GET", f"/v1/moody/{mood}")
    assert (answer.status, answer.json["kind"], answer.json["message"]) == (502, "5xx", "Internal server error")
    assert b"secret" not in answer.body


def test_a_failed_handlers_traceback_is_shown_in_the_terminal(running: Run) -> None:
    running.ask("GET", "/v1/moody/raise")
    assert "ValueError: a secret of the door" in running.output.read_text()


def test_an_answer_may_be_empty(running: Run) -> None:
    assert running.ask("GET", "/v1/moody/empty").status == 204


def test_a_route_out_of_time_is_504(running: Run) -> None:
    answer = running.ask("GET", "/v1/hasty/slow")
    assert (answer.status, answer.json["message"]) == (504, "Endpoint request timed out")


def test_a_function_out_of_time_is_502(running: Run) -> None:
    assert running.ask("GET", "/v1/moody/slow").status == 502


def test_a_stream_is_not_buffered_and_stays_on_one_thread(running: Run) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.request("GET", "/v1/stream/paced")
    response = connection.getresponse()
    assert response.getheader("content-type") == "text/event-stream"
    arrivals, events = [], []
    while line := response.readline():
        if line.strip():
            arrivals.append(time.monotonic())
            events.append(line.split())
    connection.close()
    assert [event[1] for event in events] == [b"0", b"1", b"2", b"3"]
    assert {event[2] for event in events} == {b"True"}
    # Each piece is here long before the next one is made (0.15 s later).
    made = [float(event[3]) for event in events]
    assert all(arrived < following for arrived, following in zip(arrivals, made[1:], strict=False))


def test_a_broken_stream_is_cut_and_never_looks_whole(running: Run) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(b"GET /v1/stream/cut HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert b"data: 1" in received
    assert b"data: 2" not in received
    assert not received.endswith(b"0\r\n\r\n")  # the last chunk that ends a whole body


def test_a_client_that_leaves_closes_the_stream_on_its_thread(running: Run) -> None:
    before = len(running.ask("GET", "/v1/stream/ends").json)
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(b"GET /v1/stream/endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while b"data: 3" not in connection.recv(65536):
            pass
    wait_until(lambda: len(running.ask("GET", "/v1/stream/ends").json) > before)
    assert running.ask("GET", "/v1/stream/ends").json[-1] == "closed on its thread: True"
