"""The front door: a small API Gateway on one port, HTTP in, a door's answer out; and the emulator's way in."""

import asyncio
import base64
import json
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from local.answer import LAMBDA_LIMIT, Cut, Invocation
from local.authorizer import Authorizer, Denied
from local.door import LoadedDoor, carried, is_stream, thread, trace
from local.event import proxy_event
from local.firewall import Firewall
from local.hops import Hops
from local.refusal import preflight, refusal
from local.segments import Segment, invocation
from local.site import Site
from local.sockets import Sockets
from local.template import Route as Declared
from local.template import Template, readable

GATEWAY_LIMIT = 10 * 1024 * 1024  # bytes of a request's body
LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}


class Front:
    """The REST API of a template over its loaded doors ({logical id: LoadedDoor}), and the site where it has no route.

    `authorizer` knows who signed in.
    """

    def __init__(
        self,
        template: Template,
        doors: Mapping[str, LoadedDoor],
        authorizer: Authorizer | None = None,
        hops: Hops | None = None,
        site: Site | None = None,
        *,
        quiet: bool = False,
    ) -> None:
        self._template = template
        self._authorizer = authorizer
        self._site = site
        self._firewall = Firewall(template)
        self._doors = doors
        self._quiet = quiet
        self._hops = hops or Hops()
        self._roots = {"v1", "health"}  # what CloudFront sends to the API besides the stage itself

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and say so in one line."""
        if scope["type"] == "websocket":  # on a path that is not the live socket's
            await WebSocketClose()(scope, receive, send)
            return
        request = Request(scope, receive)
        began = time.monotonic()
        app: ASGIApp | None = None
        path = readable(scope["raw_path"].decode("latin-1"))
        segment = Segment("front door", "AWS::ApiGateway::Stage")
        try:
            app = await self._app(request, segment)
            await app(scope, receive, send)
        except ClientDisconnect:  # it left while it was still sending
            return
        except Cut:
            raise
        except Exception as error:
            sys.stderr.write(f"{trace(error)}\n")  # a fault of ours
            raise
        finally:
            status = getattr(app, "status", None) or getattr(app, "status_code", "")
            if isinstance(app, Invocation):  # what no door has seen needs no trace
                answered = {"response": {"status": status}} if status else {}
                segment.told["http"] = {"request": {"method": request.method, "url": path}, **answered}
                segment.end()
            if app is not None and not self._quiet:
                sys.stderr.write(f"{request.method} {path} {status} {(time.monotonic() - began) * 1000:.0f} ms\n")

    async def _app(self, request: Request, segment: Segment) -> ASGIApp:
        request_id = str(uuid.uuid4())
        raw: str = request.scope["raw_path"].decode("latin-1")
        stage = f"/{self._template.stage}"
        if raw == stage or raw.startswith(f"{stage}/"):
            path = raw.removeprefix(stage) or "/"
        elif raw.startswith("/") and raw.split("/")[1] in self._roots:
            path = raw
        elif self._site is not None:
            return await asyncio.to_thread(self._site.answer, request)
        else:
            return PlainTextResponse("Nothing is here. The API is at /v1, all of it at /api.\n", 404)
        if request.method == "OPTIONS" and "Cors" in self._template.api and self._template.resource(path):
            return preflight(self._template, request_id)
        address = request.client.host if request.client else "127.0.0.1"
        if blocked := self._firewall.blocked(f"{stage}{path}", address):
            return Response(blocked.body, blocked.status, blocked.headers, blocked.content_type)
        opened = self._template.open(request.method, path)
        if opened is None or opened.door.name not in self._doors:  # or its Condition is false
            return refusal(self._template, "MISSING_AUTHENTICATION_TOKEN", request_id)
        try:
            claims = await self._claims(request, opened.route)
        except Denied as denied:
            return refusal(self._template, "UNAUTHORIZED", request_id, denied.message)
        body = await _read(request, GATEWAY_LIMIT)
        if body is None:
            return refusal(self._template, "REQUEST_TOO_LARGE", request_id)
        event = proxy_event(request, path, body, opened, self._template.stage, request_id, segment.header, claims)
        # Measured only where it can matter: what Lambda counts is the whole event.
        if len(body) > LAMBDA_LIMIT // 2 and len(json.dumps(event, ensure_ascii=False).encode()) > LAMBDA_LIMIT:
            return refusal(self._template, "REQUEST_TOO_LARGE", request_id)
        door = self._doors[opened.door.name]
        return Invocation(self._template, door, opened.route, event, request_id, segment.header)

    async def _claims(self, request: Request, route: Declared) -> dict[str, str] | None:
        """Whose token opened the route; None where it asks for none. Raises Denied."""
        if not route.authorizer:
            return None
        if self._authorizer is None:
            raise Denied
        return await asyncio.to_thread(self._authorizer.claims, request.headers.get("authorization"))

    async def invoke(self, request: Request) -> Response:
        """POST /_lambda/{logical id}: the emulator invokes a function. The event in, JSON out.

        A failed handler is answered with status 500 and Lambda's error shape: any status but 2xx is a function error
        to the emulator (which keeps the text, but not the error's type).
        """
        door = self._doors.get(request.path_params["door"])
        host = request.headers.get("host", "").rpartition(":")[0]
        # No web page can send that header to us, nor reach us under another name.
        if host not in LOOPBACK or "x-amzn-lambda-function-name" not in request.headers:
            return PlainTextResponse("Only the emulator may call this.\n", 403)
        if door is None:
            return JSONResponse({"errorType": "ResourceNotFoundException", "errorMessage": "No such function"}, 404)
        event = json.loads(await request.body() or b"null")
        context = door.context(request.headers.get("x-amzn-lambda-request-id"))
        done: Future[Any] = Future()

        def run() -> None:
            try:
                with invocation(door.door.name, self._hops.of(event)):
                    answer = json.dumps(_collected(door(event, context)))
                done.set_result(answer)
            except BaseException as error:  # noqa: BLE001 (a failed function is an answer)
                done.set_exception(carried(error))

        thread(run, f"{door.door.path} {context.aws_request_id}")
        try:
            return Response(await asyncio.wrap_future(done), media_type="application/json")
        except Exception as error:  # noqa: BLE001
            text = trace(error)
            sys.stderr.write(f"{text}\n")
            shape = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": text.split("\n")}
            return JSONResponse(shape, 500)


def front(
    template: Template,
    doors: Mapping[str, LoadedDoor],
    authorizer: Authorizer | None = None,
    hops: Hops | None = None,
    site: Site | None = None,
    *,
    quiet: bool = False,
    pages: Sequence[BaseRoute] = (),
) -> Starlette:
    """The whole application: the emulator's way in, the WebSocket API, `pages`, the REST API, the site for all else."""
    gate = Front(template, doors, authorizer, hops, site, quiet=quiet)
    lambdas = Route("/_lambda/{door}", gate.invoke, methods=["POST"])
    app = Starlette(routes=[lambdas, *pages, *Sockets(template, doors).routes])
    app.router.default = gate
    return app


async def _read(request: Request, limit: int) -> bytes | None:
    """The body, or None as soon as it is known to exceed the limit."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        return None
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            return None
    return bytes(body)


def _collected(answer: Any) -> Any:
    """An answer without an iterator in it: whole, as a caller that cannot stream gets it."""
    if not isinstance(answer, dict) or not is_stream(answer.get("body")):
        return answer
    whole = b"".join(answer["body"])
    try:
        return {**answer, "body": whole.decode()}
    except UnicodeDecodeError:
        return {**answer, "body": base64.b64encode(whole).decode(), "isBase64Encoded": True}
