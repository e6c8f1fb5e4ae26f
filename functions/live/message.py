"""WebSocket $default: what a client wants is begun, and done elsewhere."""

from __future__ import annotations

import base64
from typing import Any

from live import answers, connections, frames, opening, shapes, subscriptions
from live.opening import Arrived
from live.shapes import Cancel, Complete, Message, Subscribe
from live.subscriptions import Subscription
from llm_core import callers
from llm_core.aws import functions, sockets, telemetry
from llm_core.aws.http import defect
from llm_core.aws.sockets import Gone
from llm_core.callers import Caller
from llm_core.completions import asked
from llm_core.errors import DreyError
from llm_core.runs import run as stored
from llm_core.runs.cancel import cancel as stop
from llm_core.settings import settings
from llm_core.shapes import parse

settings()  # a wrong environment stops the door at its start


def _message(arrived: Arrived) -> None:
    try:
        _answered(arrived)
    except Gone:
        connections.close(arrived.connection)


def _answered(arrived: Arrived) -> None:
    """What goes wrong is told on the socket: a status would reach nobody. Raises Gone, NotSent."""
    body: Any = None
    try:
        caller = callers.vouched(connections.key_of(arrived.connection))
        telemetry.label(key_id=caller.key_id, user_id=caller.user_id)
        text = arrived.event.get("body") or ""
        body = parse(base64.b64decode(text) if arrived.event.get("isBase64Encoded") else text.encode())
        _begun(shapes.read(body), caller, arrived)
    except Gone:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the client hears of it
        failure = error if isinstance(error, DreyError) else defect(error)
        telemetry.logger.info("refused", exc_info=error, extra={"event": "message_refused", "error.type": failure.code})
        sockets.post(arrived.connection, frames.error(failure, shapes.about(body), arrived.request_id))


def _begun(message: Message, caller: Caller, arrived: Arrived) -> None:
    match message:
        case Subscribe():
            _subscribe(message, caller, arrived)
        case Complete():
            _complete(message, caller, arrived)
        case Cancel():
            _cancel(message, caller, arrived)
        case _:
            about = {"requestId": message.request_id} if message.request_id else {}
            sockets.post(arrived.connection, frames.frame("pong", about, data={}))


def _subscribe(message: Subscribe, caller: Caller, arrived: Arrived) -> None:
    caller.require("agent:run")
    run = stored.find(message.run_id, caller.user_id)
    told = frames.frame("ack", {"runId": run.id}, seq=message.after_seq, data={"status": run.status})
    sockets.post(arrived.connection, told)
    wanted = Subscription(run.id, arrived.connection, caller.key_id, message.after_seq)
    subscriptions.add(wanted, arrived.deadline)
    connections.key_of(arrived.connection)  # raises where it closed meanwhile: then this is forgotten, too
    token = subscriptions.lease(run.id, arrived.deadline)
    if token is None:  # somebody sends this run's events already
        return
    try:
        functions.begin(
            settings().need("live_watch_function"), {"source": "drey.live", "runId": run.id, "token": token}
        )
    except DreyError:
        subscriptions.give_back(run.id, token, arrived.deadline)
        raise


def _complete(message: Complete, caller: Caller, arrived: Arrived) -> None:
    caller.require("ai:complete")
    asked(message)
    answers.want(arrived.connection, message.requestId, arrived.request_id)
    try:
        told = frames.frame("ack", {"requestId": message.requestId}, seq=0, data={})
        sockets.post(arrived.connection, told)
        event = {
            "source": "drey.live",
            "connectionId": arrived.connection,
            "requestId": message.requestId,
            "keyId": caller.key_id,
            "body": message.model_dump(exclude={"action", "requestId"}, exclude_none=True),
        }
        functions.begin(settings().need("live_complete_function"), event)
    except DreyError:
        answers.over(arrived.connection, message.requestId)
        raise


def _cancel(message: Cancel, caller: Caller, arrived: Arrived) -> None:
    if message.request_id is not None:
        answers.cancel(arrived.connection, message.request_id, arrived.deadline)
        about = {"requestId": message.request_id}
    else:
        caller.require("agent:run")
        run = stored.find(message.run_id or "", caller.user_id)
        stop(run.id, arrived.deadline)
        about = {"runId": run.id}
    sockets.post(arrived.connection, frames.frame("ack", about, data={"cancelling": True}))


handler = opening.route(_message)
