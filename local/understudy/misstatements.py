"""Faults in what an answer says of itself: its model, its usage, its reason to stop."""

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from local.understudy import catalogue
from local.understudy.fault import Fault
from local.understudy.prompt import Json
from local.understudy.show import Act, Chunk
from local.understudy.wire import Event, Wire, as_json

OUTPUT = ("output_tokens", "completion_tokens")
NO_ROOM = {"finish_reason": "length", "stop_reason": "max_tokens"}


def told(fault: Fault | None, acts: Iterable[Act], wire: Wire) -> Iterator[Act]:
    """The acts, with the fault in what they say."""
    match fault:
        case catalogue.UsageMissing():
            return _changed(acts, wire, wire.without_usage)
        case catalogue.UsageOdd():
            return _changed(acts, wire, _each(OUTPUT, fault.value))
        case catalogue.WrongModel():
            return _changed(acts, wire, _each(("model",), fault.model))
        case catalogue.MissingFinish():
            return _changed(acts, wire, _each(tuple(NO_ROOM), None))
        case catalogue.FinishTwice():
            return _finished_twice(acts, wire)
    return iter(acts)


def _finished_twice(acts: Iterable[Act], wire: Wire) -> Iterator[Act]:
    for act in acts:
        yield act
        if isinstance(act, Chunk) and act.event and _stops(act.event.payload):
            payload = act.event.payload
            for name, word in NO_ROOM.items():
                payload = _put(payload, (name,), word)
            yield Chunk(wire.encoded(payload), act.event)


def _stops(payload: Json | str) -> bool:
    if isinstance(payload, str):
        return False
    choices = payload.get("choices") or [{}]
    return bool(choices[0].get("finish_reason") or payload.get("delta", {}).get("stop_reason"))


def _each(names: tuple[str, ...], value: object) -> Callable[[Event], Event]:
    return lambda event: Event(_put(event.payload, names, value), event.part, event.generated)


def _put(payload: Any, names: tuple[str, ...], value: object) -> Any:
    """A copy, with this value wherever one of the names stands, except inside what the model wrote."""
    if isinstance(payload, list):
        return [_put(part, names, value) for part in payload]
    if not isinstance(payload, dict):
        return copy.copy(payload)
    return {
        name: value if name in names else part if name in ("input", "arguments") else _put(part, names, value)
        for name, part in payload.items()
    }


def _changed(acts: Iterable[Act], wire: Wire, change: Callable[[Event], Event | None]) -> Iterator[Act]:
    for act in acts:
        if isinstance(act, Chunk) and act.event:
            event = change(act.event)
            if event and event.part == "whole":
                yield Chunk(as_json(event.payload), event)
            elif event:
                yield Chunk(wire.encoded(event.payload), event)
        else:
            yield act
