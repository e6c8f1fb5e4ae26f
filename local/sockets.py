"""The WebSocket API on the front door's port: connections in, doors called with API Gateway's events, and the way back.

As there, each message is an invocation of its own, several at a time; a door talks to a connection by `@connections`.
"""

import asyncio
import base64
import json
import secrets
import sys
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from local.door import LoadedDoor, carried, thread, trace
from local.event import API_ID
from local.segments import Segment, invocation
from local.template import INTEGRATION_TIMEOUT_S, Template

MESSAGE_LIMIT = 128 * 1024  # bytes, in either direction
_TOO_LARGE = 1009


@dataclass
class Connection:
    """One open socket; its messages leave one after another."""

    socket: WebSocket
    id: str = field(default_factory=lambda: f"{secrets.token_urlsafe(11)}=")
    opened: int = field(default_factory=lambda: int(time.time() * 1000))
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)


class Sockets:
    """The WebSocket API of a template over its loaded doors ({logical id: LoadedDoor})."""

    def __init__(self, template: Template, doors: Mapping[str, LoadedDoor]) -> None:
        self._stage = template.socket_stage
        self._doors = {key: doors[name] for key, name in template.socket_routes.items() if name in doors}
        self._open: dict[str, Connection] = {}

    @property
    def routes(self) -> list[BaseRoute]:
        """/live for clients, /live/@connections/{id} for doors; nothing without such an API."""
        if not self._doors:
            return []
        manage = Route(f"/{self._stage}/@connections/{{id}}", self.manage, methods=["POST", "GET", "DELETE"])
        return [WebSocketRoute(f"/{self._stage}", self.serve), manage]

    async def serve(self, socket: WebSocket) -> None:
        """One connection, from its ticket to its end."""
        connection = Connection(socket)
        headers = {name.title(): value for name, value in socket.headers.items()}
        query = dict(socket.query_params)
        asked = {
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": query or None,
            "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
        }
        answer = await self._invoke("$connect", connection, "CONNECT", asked)
        status = answer.get("statusCode", 500)
        if not 200 <= status < 300:
            await socket.send_denial_response(Response(answer.get("body"), status, media_type="application/json"))
            return
        await socket.accept()
        self._open[connection.id] = connection
        code = 1006
        try:
            code = await self._messages(connection)
        finally:
            self._open.pop(connection.id, None)
            left = {"disconnectStatusCode": code, "disconnectReason": ""}
            await self._invoke("$disconnect", connection, "DISCONNECT", {}, left)

    async def _messages(self, connection: Connection) -> int:
        """Until it closes: the code it was closed with."""
        working: set[asyncio.Task[None]] = set()
        while True:
            try:
                message = await connection.socket.receive()
            except WebSocketDisconnect as closed:
                return closed.code
            if message["type"] == "websocket.disconnect":
                return int(message.get("code") or 1005)
            text, data = message.get("text"), message.get("bytes")
            if len(data if data is not None else (text or "").encode()) > MESSAGE_LIMIT:
                await connection.socket.close(_TOO_LARGE)
                return _TOO_LARGE
            body = text if data is None else base64.b64encode(data).decode()
            task = asyncio.create_task(self._message(connection, body, encoded=data is not None))
            working.add(task)
            task.add_done_callback(working.discard)

    async def _message(self, connection: Connection, body: str | None, *, encoded: bool) -> None:
        message = {"messageId": f"{secrets.token_urlsafe(11)}="}
        sent = {"body": body, "isBase64Encoded": encoded}
        answer = await self._invoke("$default", connection, "MESSAGE", sent, message)
        if not 200 <= answer.get("statusCode", 500) < 300:
            told = {"message": "Internal server error", "connectionId": connection.id}
            await self._send(connection, json.dumps(told))

    async def manage(self, request: Request) -> Response:
        """What boto3's apigatewaymanagementapi asks; a page cannot, because its requests are not signed."""
        if not request.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256"):
            return JSONResponse({"message": "Missing Authentication Token"}, 403)
        connection = self._open.get(request.path_params["id"])
        if connection is None:
            return JSONResponse({"message": None}, 410, headers={"x-amzn-errortype": "GoneException"})
        if request.method == "DELETE":
            await connection.socket.close()
            return Response(status_code=204)
        if request.method == "GET":
            opened = datetime.fromtimestamp(connection.opened / 1000, UTC).isoformat()
            source = {"sourceIp": _address(connection), "userAgent": connection.socket.headers.get("user-agent", "")}
            return JSONResponse({"connectedAt": opened, "identity": source, "lastActiveAt": opened})
        body = await request.body()
        if len(body) > MESSAGE_LIMIT:
            too_large = {"x-amzn-errortype": "PayloadTooLargeException"}
            return JSONResponse({"message": "The data has exceeded the maximum size allowed."}, 413, headers=too_large)
        if not await self._send(connection, body.decode()):
            return JSONResponse({"message": None}, 410, headers={"x-amzn-errortype": "GoneException"})
        return Response(status_code=200)

    async def _send(self, connection: Connection, text: str) -> bool:
        """False when it has closed meanwhile."""
        try:
            async with connection.sending:
                await connection.socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError):
            return False
        return True

    async def _invoke(
        self,
        route: str,
        connection: Connection,
        kind: str,
        event: dict[str, Any],
        more: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """What the route's door answered; {"statusCode": 500} when it failed or took longer than API Gateway waits."""
        door = self._doors[route]
        whole = {**event, "requestContext": {**self._context(route, connection, kind), **(more or {})}}
        whole.setdefault("isBase64Encoded", False)
        context = door.context()
        done: Future[dict[str, Any]] = Future()
        segment = Segment("live socket", "AWS::ApiGateway::Stage")

        def run() -> None:
            try:
                with invocation(door.door.name, segment.header):
                    answer = door(whole, context)
                done.set_result(answer)
            except BaseException as error:  # noqa: BLE001 - SystemExit, too, ends the invocation and not the server
                done.set_exception(carried(error))

        thread(run, f"{door.door.path} {context.aws_request_id}")
        try:
            answer = await asyncio.wait_for(asyncio.wrap_future(done), min(door.door.timeout, INTEGRATION_TIMEOUT_S))
        except Exception as error:  # noqa: BLE001
            sys.stderr.write(f"{door.door.path}: {trace(error)}\n")
            return {"statusCode": 500}
        finally:
            segment.told["http"] = {"request": {"method": "WS", "url": route}}
            segment.end()
        return answer if isinstance(answer, dict) else {"statusCode": 500}

    def _context(self, route: str, connection: Connection, kind: str) -> dict[str, Any]:
        now = datetime.now(UTC)
        request_id = secrets.token_urlsafe(12)
        return {
            "routeKey": route,
            "eventType": kind,
            "extendedRequestId": request_id,
            "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "messageDirection": "IN",
            "stage": self._stage,
            "connectedAt": connection.opened,
            "requestTimeEpoch": int(now.timestamp() * 1000),
            "identity": {
                "sourceIp": _address(connection),
                "userAgent": connection.socket.headers.get("user-agent"),
            },
            "requestId": request_id,
            "domainName": connection.socket.headers.get("host", "localhost"),
            "connectionId": connection.id,
            "apiId": API_ID,
        }


def _address(connection: Connection) -> str:
    return connection.socket.client.host if connection.socket.client else "127.0.0.1"
