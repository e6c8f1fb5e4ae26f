"""Traces across the emulator: AWS hands a trace on to what it invokes, the emulator does not.

What leaves this process for Lambda or Step Functions is remembered with its trace; what the emulator then invokes is
recognised: a function by its whole event, a step of a state machine by the ids that its execution began with.
"""

import json
from collections import OrderedDict
from collections.abc import Iterator
from threading import Lock
from typing import Any

import boto3

_KEPT = 10_000


class Hops:
    """Where what was begun belongs: X-Ray headers by what they are recognised by."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()

    def watch(self) -> None:
        """Look at what boto3's clients send from now on. Must come before the doors make theirs."""
        session = boto3.Session()
        boto3.DEFAULT_SESSION = session
        session.events.register_last("before-call", self._sent)  # the doors' clients have set the header by then

    def of(self, event: Any) -> str | None:
        """The X-Ray header of what the emulator invokes with this event; None: nobody traced began it."""
        with self._lock:
            if header := self._known.get(_whole(event)):
                return header
            values = event.values() if isinstance(event, dict) else ()
            ids = (each for each in values if isinstance(each, str))
            return next((found for each in ids if (found := self._known.get(each))), None)

    def _sent(self, model: Any, params: Any, **_: Any) -> None:
        match model.name:
            case "Invoke":
                self._keep([_whole(json.loads(params["body"] or b"null"))], params["headers"].get("X-Amzn-Trace-Id"))
            case "StartExecution":
                asked = json.loads(params["body"])
                self._keep(_ids(json.loads(asked["input"])), asked.get("traceHeader"))
            case _:
                return

    def _keep(self, names: Any, header: str | None) -> None:
        if header is None:
            return
        with self._lock:
            for name in names:
                self._known[name] = header
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)


def _whole(event: Any) -> str:
    return json.dumps(event, sort_keys=True)


def _ids(given: Any) -> Iterator[str]:
    match given:
        case str():
            yield given
        case dict():
            for each in given.values():
                yield from _ids(each)
        case list():
            for each in given:
                yield from _ids(each)
        case _:
            return
