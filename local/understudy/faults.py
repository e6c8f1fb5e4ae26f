"""Carries out ordered faults: before an answer is made, on the answer, or on the acts that send it."""

import dataclasses
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

from local.understudy import catalogue, eventstream, misstatements, tokens
from local.understudy.fault import Fault
from local.understudy.performance import Performance, Refusal
from local.understudy.show import Act, Chunk, End, Hang, Hangup, Pause, Start
from local.understudy.wire import Refused, Wire, as_json

PAGE = b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


def refusal(fault: Fault | None, wire: Wire, prompt_tokens: int) -> Refused | None:
    """The error that is answered instead, if the fault is one."""
    match fault:
        case catalogue.Status():
            return Refused(fault.code, fault.message, type=fault.type, retry_after=fault.retry_after)
        case catalogue.ContextLength():
            return wire.too_long(max(prompt_tokens, fault.limit + 1), fault.limit)
        case catalogue.InvalidParameter():
            return wire.unknown_parameter(fault.param)
    return None


def instead(fault: Fault | None) -> list[Act] | None:
    """What happens instead of any answer (nothing is sold then), if the fault is of that kind."""
    match fault:
        case catalogue.Reset():
            return [Hangup(reset=not fault.fin)]
        case catalogue.Redirect():
            return [Start(fault.code, {"location": fault.location}), End()]
        case catalogue.HtmlPage():
            return [Start(fault.status, {"content-type": "text/html; charset=utf-8"}), Chunk(PAGE), End()]
    return None


def recast(fault: Fault | None, performance: Performance, wire: Wire) -> Performance:
    """The answer that is given instead of `performance`."""
    match fault:
        case catalogue.ContentFilter():
            return wire.filtered(performance)
        case catalogue.Refusal():
            made = tokens.of_text(fault.message) * performance.copies
            usage = dataclasses.replace(performance.usage, output=made, reasoning=0)
            return dataclasses.replace(performance, blocks=(Refusal(fault.message),), stop="refusal", usage=usage)
        case catalogue.HugeChunk():
            return performance.opened_by("x" * fault.bytes + " ")
    return performance


def staged(fault: Fault | None, acts: Iterable[Act], wire: Wire) -> Iterator[Act]:
    """The acts with the fault in them."""
    match fault:
        case catalogue.Silence():
            return iter([Hang()])
        case catalogue.SlowHeaders():
            return chain([Pause(fault.seconds)], acts)
        case catalogue.SlowFirstToken():
            return _inserted(acts, 0, Pause(fault.seconds))
        case catalogue.PingsOnly():
            return _pinging(acts, fault.every_s, wire)
        case catalogue.Drip():
            return _dripping(acts, fault.every_s)
        case catalogue.GzipCut():
            return _compressed(_until(acts, fault.after_events))
        case catalogue.Cut():
            last: Act = End() if fault.clean else Hangup(reset=False)
            if fault.after_bytes is not None:
                return chain(_first_bytes(acts, fault.after_bytes), [last])
            if fault.inside is not None:
                return chain(_up_to(acts, fault.inside), [last])
            return chain(_until(acts, 1 if fault.after_events is None else fault.after_events), [last])
        case catalogue.ResetMidStream():
            return chain(_until(acts, fault.after_events), [Hangup(reset=True)])
        case catalogue.Stall():
            return chain(_until(acts, fault.after_events), [Hang()])
        case catalogue.InBandError():
            return chain(_until(acts, fault.after_events), [Chunk(wire.broken_off(fault.type, fault.message)), End()])
        case catalogue.MalformedChunk():
            broken = _replaced(acts, b'{"id": "broken", "cho')
            if fault.instead:
                return _lost(broken, fault.after_events, wire.malformed())
            return _inserted(broken, fault.after_events, Chunk(wire.malformed()))
        case catalogue.WrongShape():
            odd = Chunk(wire.encoded(wire.odd()))
            return _inserted(_replaced(acts, as_json(wire.odd())), fault.after_events, odd)
        case catalogue.BadCrc():
            bad = eventstream.with_wrong_checksum(wire.ping())
            return _inserted(acts, fault.after_events, Chunk(bad))
        case catalogue.EmptyChunk():
            return _emptied(acts, fault.after_events, wire)
        case catalogue.MissingEnd():
            return (act for act in acts if not _says(act, "end"))
        case catalogue.UsageTwice():
            return (twin for act in acts for twin in ([act, act] if _says(act, "usage") else [act]))
        case catalogue.AfterEnd():
            return _talking_on(acts)
        case catalogue.WrongContentType():
            return (_typed(act, fault.content_type) for act in acts)
    return misstatements.told(fault, acts, wire)


def _says(act: Act, *parts: str) -> bool:
    return isinstance(act, Chunk) and act.event is not None and act.event.part in parts


def _strikes(act: Act, seen: int, after: int) -> bool:
    """True before content number `after` + 1, and before the closing events of an answer that has less."""
    return isinstance(act, End) or _says(act, "close", "usage", "end") or (_says(act, "content") and seen >= after)


def _until(acts: Iterable[Act], after: int) -> Iterator[Act]:
    seen = 0
    for act in acts:
        if isinstance(act, Chunk) and _says(act, "whole"):
            yield _part(act, len(act.data) // 2)
            return
        if _strikes(act, seen, after):
            return
        seen += _says(act, "content")
        yield act


def _part(chunk: Chunk, size: int) -> Chunk:
    """A beginning of a chunk: generated as the whole one, but it completes nothing."""
    event = dataclasses.replace(chunk.event, part="frame") if chunk.event else None
    return Chunk(chunk.data[:size], event)


def _first_bytes(acts: Iterable[Act], size: int) -> Iterator[Act]:
    for act in acts:
        if isinstance(act, End):
            return
        if isinstance(act, Chunk):
            if len(act.data) > size:
                yield _part(act, size)
                return
            size -= len(act.data)
        yield act


def _inserted(acts: Iterable[Act], after: int, extra: Act) -> Iterator[Act]:
    seen, done = 0, False
    for act in acts:
        # Broken bytes belong into streams; a pause stands before a whole answer's body too.
        if _says(act, "whole") and isinstance(extra, Pause):
            yield extra
        elif not done and not isinstance(act, End) and _strikes(act, seen, after):
            yield extra
            done = True
        seen += _says(act, "content")
        yield act


def _replaced(acts: Iterable[Act], body: bytes) -> Iterator[Act]:
    for act in acts:
        if isinstance(act, Chunk) and act.event and act.event.part == "whole":
            yield Chunk(body, dataclasses.replace(act.event, part="frame"))
        else:
            yield act


def _emptied(acts: Iterable[Act], after: int, wire: Wire) -> Iterator[Act]:
    seen, done = 0, False
    for act in acts:
        if isinstance(act, Chunk) and act.event and act.event.part == "content":
            if seen == after and not done:
                yield Chunk(wire.empty(act.event))
                done = True
            seen += 1
        yield act


def _pinging(acts: Iterable[Act], every: float, wire: Wire) -> Iterator[Act]:
    yield from (act for act in acts if isinstance(act, Start))
    while True:
        yield Chunk(wire.ping())
        yield Pause(every)


def _dripping(acts: Iterable[Act], every: float) -> Iterator[Act]:
    for act in acts:
        if not isinstance(act, Chunk):
            yield act
            continue
        for at in range(len(act.data)):
            last = at + 1 == len(act.data)
            yield Chunk(act.data[at : at + 1], act.event if last else None)
            yield Pause(every)


def _up_to(acts: Iterable[Act], part: str) -> Iterator[Act]:
    """Up to the middle of the first event of this part, or of the next one where a protocol has none."""
    parts = {"close": ("close", "usage", "end"), "usage": ("usage", "end"), "end": ("end",)}[part]
    for act in acts:
        if isinstance(act, Chunk) and _says(act, "whole", *parts):
            yield _part(act, len(act.data) // 2)
            return
        yield act


def _lost(acts: Iterable[Act], after: int, broken: bytes) -> Iterator[Act]:
    seen = 0
    for act in acts:
        if isinstance(act, Chunk) and _says(act, "content"):
            seen += 1
            if seen == after + 1:
                yield Chunk(broken, act.event)
                continue
        yield act


def _compressed(acts: Iterable[Act]) -> Iterator[Act]:
    """As gzip, piece by piece, and never brought to its end."""
    packer = zlib.compressobj(wbits=31)
    for act in acts:
        match act:
            case Start():
                yield Start(act.status, {**act.headers, "content-encoding": "gzip"})
            case Chunk():
                yield Chunk(packer.compress(act.data) + packer.flush(zlib.Z_SYNC_FLUSH), act.event)
            case _:
                yield act
    yield End()


def _talking_on(acts: Iterable[Act]) -> Iterator[Act]:
    first: Chunk | None = None
    for act in acts:
        if isinstance(act, Chunk) and first is None and _says(act, "content"):
            first = act
        yield act
        if _says(act, "end") and first is not None:
            yield Chunk(first.data)


def _typed(act: Act, content_type: str) -> Act:
    return Start(act.status, {**act.headers, "content-type": content_type}) if isinstance(act, Start) else act
