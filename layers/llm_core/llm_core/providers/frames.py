"""What a stream of bytes is cut into: server-sent events, or AWS's event stream, which carries the same inside.

Both are read here and not by the SDKs, whose readers end at the first event they cannot read.
"""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic_core import from_json, to_json

LONGEST = 16 * 1024 * 1024
"""Bytes of one event. One that is longer is no word of a model's."""


class Unreadable(Exception):
    """Nobody can say where the next event begins."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event: its data, and the bytes by which a client is told it. `data` is None for one that was damaged."""

    data: bytes | None
    raw: bytes


_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


def server_sent(chunks: Iterable[bytes]) -> Iterator[Frame]:
    """Events that have data; comments and the rest have nothing to say. Raises Unreadable."""
    kept, searched = bytearray(), 0
    for chunk in chunks:
        kept += chunk
        while found := _BLANK_LINE.search(kept, searched):
            yield from _event(bytes(kept[: found.end()]))
            del kept[: found.end()]
            searched = 0
        searched = max(0, len(kept) - 3)  # a blank line may have begun
        _bound(len(kept))
    yield from _event(bytes(kept) + b"\n\n")  # some servers end without a blank line


def _event(raw: bytes) -> Iterator[Frame]:
    data = []
    for line in raw.splitlines():
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" "))
    if data:
        yield Frame(b"\n".join(data), raw)


_PRELUDE = struct.Struct(">III")
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type; 6 and 7, bytes and text, say it themselves."""


def event_stream(chunks: Iterable[bytes]) -> Iterator[Frame]:
    """The events of Anthropic's dialect inside AWS's frames, an exception as its `error`. Raises Unreadable."""
    kept = bytearray()
    for chunk in chunks:
        kept += chunk
        while len(kept) >= _PRELUDE.size:
            size, headers, checksum = _PRELUDE.unpack_from(kept)
            if zlib.crc32(kept[:8]) != checksum or size < headers + 16:
                raise Unreadable("the lengths of a frame are wrong")
            _bound(size)
            if len(kept) < size:
                break
            yield _frame(bytes(kept[:size]), headers)
            del kept[:size]


def _frame(frame: bytes, headers: int) -> Frame:
    try:
        if zlib.crc32(frame[:-4]) != int.from_bytes(frame[-4:]):
            raise ValueError("a wrong checksum")
        told = _headers(frame[12 : 12 + headers])
        payload = from_json(frame[12 + headers : -4])
        if told[":message-type"] == "event":
            data = base64.b64decode(payload["bytes"], validate=True)
        else:
            kind = told.get(":exception-type") or told.get(":error-code")
            data = to_json({"type": "error", "error": {"type": kind, "message": payload.get("message")}})
        event = from_json(data)
        name = str(event["type"]).encode()
        data = to_json(event) if b"\n" in data else data
    except Exception:  # noqa: BLE001 - whatever is wrong with it, the next frame may be sound
        return Frame(None, b"")
    return Frame(data, b"event: %b\ndata: %b\n\n" % (name, data))


def _headers(data: bytes) -> dict[str, str]:
    """Those with text."""
    told, at = {}, 0
    while at < len(data):
        name_end = at + 1 + data[at]
        name, kind, at = data[at + 1 : name_end].decode(), data[name_end], name_end + 1
        size = _SIZES.get(kind)
        if size is None:
            size, at = int.from_bytes(data[at : at + 2]), at + 2
            told[name] = data[at : at + size].decode(errors="replace")
        at += size
    return told


def _bound(size: int) -> None:
    if size > LONGEST:
        raise Unreadable(f"an event of more than {LONGEST} bytes")
