"""AWS event-stream frames: lengths, a checksum of them, headers of text, payload, a checksum of all."""

import struct
import zlib
from collections.abc import Mapping


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    named = b"".join(_header(name, text) for name, text in headers.items())
    prelude = struct.pack(">II", 16 + len(named) + len(payload), len(named))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    body = prelude + named + payload
    return body + struct.pack(">I", zlib.crc32(body))


def _header(name: str, text: str) -> bytes:
    # 7 is the type of a string.
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(text.encode())) + text.encode()


def with_wrong_checksum(whole: bytes) -> bytes:
    return whole[:-1] + bytes([whole[-1] ^ 0xFF])
