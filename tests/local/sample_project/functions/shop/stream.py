"""Streams: paced pieces, a cut in the middle, or without an end. Keeps note of how each stream ended."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

ENDS: list[str] = []


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """paced, cut, endless; `ends` tells how the endless ones ended."""
    how = event["pathParameters"]["how"]
    if how == "ends":
        return {"statusCode": 200, "body": json.dumps(ENDS)}
    # No "headers": Powertools' resolver, too, has those of a generator only here.
    headers = {"Content-Type": ["text/event-stream"]}
    return {"statusCode": 200, "multiValueHeaders": headers, "body": _body(how, threading.current_thread().name)}


def _body(how: str, called_on: str) -> Iterator[bytes]:
    try:
        for number in range(4 if how != "endless" else 1_000_000):
            same = threading.current_thread().name == called_on
            yield f"data: {number} {same} {time.monotonic():.4f}\n\n".encode()
            if how == "cut" and number == 1:
                raise RuntimeError("the provider hung up")
            time.sleep(0.15 if how == "paced" else 0.02)
    except GeneratorExit:
        ENDS.append(f"closed on its thread: {threading.current_thread().name == called_on}")
        raise
