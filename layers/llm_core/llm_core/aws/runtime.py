"""The loop over the Lambda Runtime API for doors that stream: the managed Python runtime sends whole answers only.

/opt/streaming, these functions' AWS_LAMBDA_EXEC_WRAPPER, starts it in the managed loop's place. Only the standard
library is imported before the door is.
"""

from __future__ import annotations

import base64
import gc
import importlib
import io
import os
import sys
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from typing import Any, cast

from llm_core.aws.runtime_api import Api, Context, Delivery, Gone, Streamed, Whole

Handler = Callable[[Any, Any], Mapping[str, Any]]

SWITCH_S = 0.0005
"""How long the thread that reads the provider may keep the one waiting that hands its words on; Python's own 5 ms would
be most of the time until the first of several words that come at once."""


def main() -> None:
    """Import the door, then serve its invocations one after another, for as long as there is a Runtime API."""
    cast(io.TextIOWrapper, sys.stdout).reconfigure(line_buffering=True)  # nothing is kept back in a frozen process
    sys.setswitchinterval(SWITCH_S)
    api = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
    delivery = Whole if os.environ.get("AWS_SAM_LOCAL") else Streamed
    try:
        handler = _imported(os.environ["_HANDLER"])
    except BaseException as error:  # noqa: BLE001 - whatever it is, there is no door
        traceback.print_exception(error)
        api.fail("/init", error)
        raise SystemExit(1) from None
    while True:
        event, context = api.next()
        _serve(handler, event, context, delivery(api, f"/invocation/{context.aws_request_id}"))


def _imported(name: str) -> Handler:
    """The handler by Lambda's name for it, `gateway.chat.handler`. Collecting garbage meanwhile would cost a tenth."""
    module, _, function = name.rpartition(".")
    gc.disable()
    handler: Handler = getattr(importlib.import_module(module), function)
    gc.freeze()
    gc.enable()
    return handler


def _serve(handler: Handler, event: Any, context: Context, delivery: Delivery) -> None:
    from llm_core.aws.telemetry import logger  # the door has imported it

    labels = {"function_request_id": context.aws_request_id, **_request(event)}
    try:
        try:
            answer = handler(event, context)
            with closing(_pieces(answer)) as pieces:
                delivery.begin(answer, next(pieces, b""))  # what fails before its first piece is an error, not a 200
                for piece in pieces:
                    delivery.send(piece)
        except Gone:
            raise
        except BaseException as error:  # noqa: BLE001 - SystemExit, too, ends an invocation and not the process
            logger.exception("invocation failed", extra={"event": "invocation_failed", **labels})
            delivery.fail(error)
        else:
            delivery.end()
    except Gone as gone:
        logger.warning("nobody takes the answer", extra={"event": "answer_lost", "reason": str(gone), **labels})


def _request(event: Any) -> dict[str, str]:
    """The label by which the lines of an API's request are found; other events have none."""
    told = event.get("requestContext") if isinstance(event, dict) else None
    request_id = told.get("requestId") if isinstance(told, dict) else None
    return {"gateway_request_id": request_id} if isinstance(request_id, str) else {}


def _pieces(answer: Mapping[str, Any]) -> Generator[bytes]:
    """The body, without empty pieces: one would end the stream. However this ends, the body is closed."""
    body = answer.get("body") or ""
    if isinstance(body, str):
        body = iter([base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()])
    try:
        yield from filter(None, body)
    finally:
        getattr(body, "close", lambda: None)()


if __name__ == "__main__":
    main()
