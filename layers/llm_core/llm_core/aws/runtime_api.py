"""Lambda's Runtime API, and the two ways in which an answer leaves through it: streamed, or whole."""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

LONGEST = 6 * 1024 * 1024
"""Bytes of an answer that is not streamed, as Lambda has it."""

_ROOT = "/2018-06-01/runtime"
_TYPE, _BODY = "Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"
_STREAMED = {
    "Lambda-Runtime-Function-Response-Mode": "streaming",
    "Transfer-Encoding": "chunked",
    "Content-Type": "application/vnd.awslambda.http-integration-response",
    "Trailer": f"{_TYPE}, {_BODY}",
}


class Gone(Exception):
    """Nobody takes this answer any more: Lambda ended the invocation, or the connection broke."""


class TooLarge(Exception):
    """A whole answer is longer than Lambda takes."""


@dataclass(frozen=True, slots=True)
class Context:
    """What doors and Powertools read of Lambda's context object."""

    function_name: str
    memory_limit_in_mb: int
    invoked_function_arn: str
    aws_request_id: str
    deadline_ms: int

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self.deadline_ms - round(time.time() * 1000))


class Api:
    """Lambda's side. Each exchange has a connection of its own: a broken one is no concern of the next."""

    def __init__(self, address: str) -> None:
        self._address = address

    def next(self) -> tuple[Any, Context]:
        """The next event and its context. Raises Gone."""
        with _reaching(), closing(self.opened("GET", "/invocation/next")) as connection:
            answer = _taken(connection)
            event, told = json.loads(answer.read()), answer.headers
        os.environ.pop("_X_AMZN_TRACE_ID", None)
        if trace := told["Lambda-Runtime-Trace-Id"]:
            os.environ["_X_AMZN_TRACE_ID"] = trace
        return event, Context(
            function_name=os.environ["AWS_LAMBDA_FUNCTION_NAME"],
            memory_limit_in_mb=int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]),
            invoked_function_arn=told["Lambda-Runtime-Invoked-Function-Arn"],
            aws_request_id=told["Lambda-Runtime-Aws-Request-Id"],
            deadline_ms=int(told["Lambda-Runtime-Deadline-Ms"]),
        )

    def post(self, path: str, body: bytes, **headers: str) -> None:
        """Raises Gone."""
        headers = {"Content-Length": str(len(body)), "Content-Type": "application/json", **headers}
        with _reaching(), closing(self.opened("POST", path, headers)) as connection:
            connection.send(body)
            _taken(connection)

    def fail(self, path: str, error: BaseException) -> None:
        """The start, or an invocation whose answer has not begun, ends in an error. Raises Gone."""
        self.post(f"{path}/error", _told(error), **{_TYPE: type(error).__name__})

    def opened(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> http.client.HTTPConnection:
        """A request without its body. It has no time-outs: Lambda freezes this process for as long as it likes."""
        connection = http.client.HTTPConnection(self._address)
        connection.putrequest(method, _ROOT + path)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection


class Delivery(Protocol):
    """One answer on its way: begun, sent, then either ended or failed. Each raises Gone."""

    def begin(self, answer: Mapping[str, Any], first: bytes) -> None: ...

    def send(self, piece: bytes) -> None: ...

    def end(self) -> None: ...

    def fail(self, error: BaseException) -> None: ...


class Streamed:
    """A prelude of JSON, eight NULs, then the body as it comes. A failure on the way is told in the trailers."""

    def __init__(self, api: Api, path: str) -> None:
        self._api = api
        self._path = path
        self._connection: http.client.HTTPConnection | None = None

    def begin(self, answer: Mapping[str, Any], first: bytes) -> None:
        told = {name: answer[name] for name in ("headers", "multiValueHeaders", "cookies") if answer.get(name)}
        opening = json.dumps({"statusCode": answer["statusCode"], **told}).encode() + bytes(8) + first
        with _reaching():
            self._connection = self._api.opened("POST", f"{self._path}/response", _STREAMED)
        self.send(opening)

    def send(self, piece: bytes) -> None:
        self._write(b"%x\r\n%b\r\n" % (len(piece), piece))

    def end(self, trailers: bytes = b"") -> None:
        connection = self._write(b"0\r\n" + trailers + b"\r\n")
        with _reaching(), closing(connection):
            _taken(connection)

    def fail(self, error: BaseException) -> None:
        if self._connection is None:
            self._api.fail(self._path, error)
        else:
            body = base64.b64encode(_told(error)).decode()
            self.end(f"{_TYPE}: {type(error).__name__}\r\n{_BODY}: {body}\r\n".encode())

    def _write(self, data: bytes) -> http.client.HTTPConnection:
        assert self._connection  # noqa: S101 - for the type checker: it has begun
        with _reaching():
            self._connection.send(data)
        return self._connection


class Whole:
    """The same bytes at once, for `sam local`, whose Runtime API shows a streamed answer's prelude as its body."""

    def __init__(self, api: Api, path: str) -> None:
        self._api = api
        self._path = path
        self._answer: Mapping[str, Any] = {}
        self._body = io.BytesIO()

    def begin(self, answer: Mapping[str, Any], first: bytes) -> None:
        self._answer = answer
        self._body.write(first)

    def send(self, piece: bytes) -> None:
        self._body.write(piece)

    def end(self) -> None:
        body = self._body.getvalue()
        try:
            told = {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            told = {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
        answer = json.dumps({**self._answer, **told}).encode()
        if len(answer) > LONGEST:
            self.fail(TooLarge())
        else:
            self._api.post(f"{self._path}/response", answer)

    def fail(self, error: BaseException) -> None:
        self._api.fail(self._path, error)


def _told(error: BaseException) -> bytes:
    """An error for the Runtime API. Its words may repeat a prompt: they stand in the log, as far as they may."""
    told = {"errorType": type(error).__name__, "errorMessage": "The log of the function tells more.", "stackTrace": []}
    return json.dumps(told).encode()


def _taken(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    """The answer of the Runtime API. Raises Gone; SystemExit where this process is asked to end."""
    answer = connection.getresponse()
    if answer.status >= 500:
        raise SystemExit(f"The Runtime API answered {answer.status}.")
    if answer.status >= 400:
        raise Gone(f"The Runtime API answered {answer.status}.")
    return answer


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        raise Gone(f"The Runtime API did not answer ({type(error).__name__}).") from error
