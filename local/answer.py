"""A door's answer on its way out: checked as API Gateway checks it, sent whole or piece by piece."""

import asyncio
import base64
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import CancelledError
from typing import Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from local.door import Context, LoadedDoor, carried, close, is_stream, thread, trace
from local.refusal import refusal
from local.segments import invocation
from local.template import Route, Template

LAMBDA_LIMIT = 6 * 1024 * 1024  # bytes of an event, and of an answer that is not streamed
_FRAMING = {"content-length", "transfer-encoding", "connection"}  # the server's business


class Malformed(Exception):
    """A handler returned something that API Gateway does not take for an answer."""


class Invocation:
    """One request at one door, as an ASGI application: the handler and the iteration of its body share one thread.

    The client gets 504 when the route's time is up and 502 when the function's is, or when it failed; the handler
    is left to run out, as Lambda would bill it. A client that leaves closes the streamed body, on that body's thread.
    """

    def __init__(
        self, template: Template, door: LoadedDoor, route: Route, event: Any, request_id: str, trace: str
    ) -> None:
        self.status = 0
        self._template = template
        self._door = door
        self._route = route
        self._event = event
        self._request_id = request_id
        self._trace = trace
        self._context: Context = door.context()
        self._gone = threading.Event()
        self._flow = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[dict[str, Any]] = self._loop.create_future()
        self._pumped: asyncio.Future[None] = self._loop.create_future()
        self._send: Send

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._send = send
        started = time.monotonic()
        thread(self._traced, f"{self._door.door.path} {self._request_id}")
        limit = min(self._route.timeout, self._door.door.timeout)
        try:
            # Not wait_for: a door may itself raise TimeoutError.
            await asyncio.wait({self._answer}, timeout=limit)
            if not self._answer.done():
                api_first = self._route.timeout <= self._door.door.timeout
                _tell(f"{self._door.door.path} took longer than {limit:g} s")
                kind = "INTEGRATION_TIMEOUT" if api_first else "INTEGRATION_FAILURE"
                await self._refuse(kind, scope, receive, send)
            elif error := self._answer.exception():
                _tell(str(error) if isinstance(error, Malformed) else trace(error))
                await self._refuse("INTEGRATION_FAILURE", scope, receive, send)
            else:
                answer = self._answer.result()
                self.status = answer["statusCode"]
                if is_stream(answer["body"]):
                    await self._stream(answer, receive, send, started + limit)
                else:
                    await self._whole(answer)(scope, receive, send)
        finally:
            self._gone.set()
            self._flow.set()

    def _traced(self) -> None:
        with invocation(self._door.door.name, self._trace):
            self._run()

    def _run(self) -> None:
        """On the invocation's own thread: call the handler, then, when the answer has begun, iterate its body."""
        try:
            answer = _checked(self._door(self._event, self._context), self._route)
        except BaseException as error:  # noqa: BLE001 (SystemExit, too, ends the invocation and not the server)
            self._settle(self._answer, carried(error))
            return
        body = answer["body"]
        self._settle(self._answer, None, answer)
        if not is_stream(body):
            return
        failure: Exception | None = None
        self._flow.wait()
        try:
            # Checked after each piece, not only before: the last piece's generator must not run on for nobody.
            while not self._gone.is_set() and (piece := next(body, None)) is not None:
                if piece:
                    self._put({"type": "http.response.body", "body": bytes(piece), "more_body": True})
        except CancelledError:
            pass
        except Exception as error:  # noqa: BLE001
            failure = error
        finally:
            try:
                close(body)
            except Exception as error:  # noqa: BLE001
                failure = failure or error
        if failure:
            _tell(trace(failure))
        self._settle(self._pumped, failure)

    def _put(self, message: Message) -> None:
        """Send from this thread, and wait until the connection has taken it: a slow reader slows the door down."""
        asyncio.run_coroutine_threadsafe(_awaited(self._send, message), self._loop).result()

    def _settle(self, future: asyncio.Future[Any], error: Exception | None, value: Any = None) -> None:
        def settle() -> None:
            if future.done():
                return
            if error:
                future.set_exception(error)
                future.exception()  # read once: nobody may be waiting any more
            else:
                future.set_result(value)

        try:
            self._loop.call_soon_threadsafe(settle)
        except RuntimeError:  # the server has stopped in the meantime
            self._gone.set()
            self._flow.set()

    async def _stream(self, answer: dict[str, Any], receive: Receive, send: Send, deadline: float) -> None:
        await send({"type": "http.response.start", "status": answer["statusCode"], "headers": answer["headers"]})
        self._flow.set()
        leaving = asyncio.create_task(_left(receive))
        try:
            rest = max(0.0, deadline - time.monotonic())
            await asyncio.wait({leaving, self._pumped}, timeout=rest, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
        if leaving.done() and not leaving.cancelled():
            return
        if not self._pumped.done():
            _tell(f"{self._door.door.path} streamed for longer than its time: cut")
            raise Cut
        if self._pumped.exception():
            raise Cut
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _whole(self, answer: dict[str, Any]) -> Response:
        body = answer["body"] or ""
        response = Response(base64.b64decode(body) if answer["encoded"] else body, answer["statusCode"])
        response.raw_headers += answer["headers"]
        return response

    async def _refuse(self, kind: str, scope: Scope, receive: Receive, send: Send) -> None:
        response = refusal(self._template, kind, self._request_id)
        self.status = response.status_code
        await response(scope, receive, send)


class Cut(Exception):
    """Raised through the server to cut the connection: a broken stream must not look like a whole one."""


def _checked(answer: Any, route: Route) -> dict[str, Any]:
    """The answer with one list of raw headers. Raises Malformed where API Gateway would answer 502."""
    if not isinstance(answer, Mapping) or not isinstance(answer.get("statusCode"), int):
        raise Malformed(f"Not an answer for API Gateway: statusCode is missing in {str(answer)[:200]!r}")
    body = answer.get("body")
    stream = is_stream(body)
    if not (body is None or isinstance(body, str) or stream):
        raise Malformed(f"Not an answer for API Gateway: body is {type(body).__name__}, not str")
    if isinstance(body, str) and not route.streams and len(body) > LAMBDA_LIMIT:
        raise Malformed(f"Lambda gives back at most {LAMBDA_LIMIT} bytes unless it streams; the body has {len(body)}")
    several = answer.get("multiValueHeaders") or {}
    names = {name.lower() for name in several}
    pairs = [(name, value) for name, values in several.items() for value in values]
    # Where both name a header, the list wins.
    pairs += [(name, value) for name, value in (answer.get("headers") or {}).items() if name.lower() not in names]
    headers = [
        (name.lower().encode("latin-1"), str(value).encode("latin-1"))
        for name, value in pairs
        if name.lower() not in _FRAMING
    ]
    if not any(name == b"content-type" for name, _ in headers):
        headers.append((b"content-type", b"application/json"))
    return {
        "statusCode": answer["statusCode"],
        "headers": headers,
        "body": iter(body) if stream and body is not None else body,
        "encoded": bool(answer.get("isBase64Encoded")),
    }


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _awaited(send: Send, message: Message) -> None:
    await send(message)


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
