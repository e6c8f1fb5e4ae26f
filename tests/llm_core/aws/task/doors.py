"""What the processes of test_runtime.py serve: a handler that does what its event says, and a door of the platform."""

import builtins
import gc
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from llm_core.aws import telemetry
from llm_core.aws.http import Door, Response

COLLECTED_AT_IMPORT = gc.isenabled()


def handler(event: dict[str, Any], context: Any) -> Any:
    """Whatever the event's `act` says."""
    return ACTS[event["act"]](event, context)


def whole(event: dict[str, Any], context: Any) -> Any:
    return event["answer"]


def told(event: dict[str, Any], context: Any) -> Any:
    """What the door sees of its invocation and its process."""
    names = ("function_name", "memory_limit_in_mb", "invoked_function_arn", "aws_request_id")
    seen = {name: getattr(context, name) for name in names}
    seen["left"] = context.get_remaining_time_in_millis()
    seen["trace"] = os.environ.get("_X_AMZN_TRACE_ID")
    seen["process"] = os.getpid()
    seen["gc"] = [COLLECTED_AT_IMPORT, gc.isenabled(), gc.get_freeze_count() > 0]
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": iter([repr(seen).encode()])}


def paced(event: dict[str, Any], context: Any) -> Any:
    """Each piece waits for a byte from the test, which sends it when it has seen the piece before."""

    def pieces() -> Iterator[bytes]:
        with socket.create_connection(("127.0.0.1", event["gate"])) as gate:
            for piece in event["pieces"]:
                gate.recv(1)
                yield piece.encode()

    return streaming(pieces())


def raising(event: dict[str, Any], context: Any) -> Any:
    """Fails: at once, or after `pieces`, or when it is closed."""
    error: BaseException = getattr(builtins, event["error"])("a customer's prompt")
    if "pieces" not in event:
        raise error

    def pieces() -> Iterator[bytes]:
        for piece in event["pieces"]:
            yield piece.encode()
        raise error

    return streaming(pieces())


class Endless:
    """A body that says when it is closed, and may fail then."""

    def __init__(self, mark: str, error: str | None) -> None:
        self.mark = Path(mark)
        self.error = error

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return b"more " * 1_000

    def close(self) -> None:
        self.mark.write_text("closed")
        if self.error:
            raise getattr(builtins, self.error)("while closing")


def endless(event: dict[str, Any], context: Any) -> Any:
    return streaming(Endless(event["mark"], event.get("error")))


def large(event: dict[str, Any], context: Any) -> Any:
    return {"statusCode": 200, "body": "x" * event["bytes"]}


def talkative(event: dict[str, Any], context: Any) -> Any:
    print("a line that must not be kept back")  # noqa: T201
    return {"statusCode": 204}


def streaming(body: Iterator[bytes]) -> dict[str, Any]:
    return {"statusCode": 200, "headers": {"Content-Type": "text/event-stream"}, "body": body}


ACTS: dict[str, Callable[[dict[str, Any], Any], Any]] = {
    each.__name__: each for each in (whole, told, paced, raising, endless, large, talkative)
}

door = Door()


@door.get("/v1/stream")
def stream() -> Response:
    pieces = (f"data: {number}\n\n".encode() for number in range(3))
    return Response(200, pieces, {"x-drey-provider": "anthropic"}, "text/event-stream")


@door.get("/v1/told")
def told_later() -> Response:
    """Its body says something to the log, then breaks off."""

    def pieces() -> Iterator[bytes]:
        yield b"data: 0\n\n"
        telemetry.logger.info("while it is told")
        raise ValueError("a customer's prompt")

    return Response(200, pieces(), content_type="text/event-stream")


@door.get("/v1/whole")
def answer() -> Response:
    return Response(200, '{"name": "Grüße"}'.encode())
