"""Bytes are cut into the same events wherever the network cut them."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_core.providers.frames import LONGEST, Frame, Unreadable, event_stream, server_sent
from local.understudy import eventstream

JSON_LINES = st.dictionaries(st.text(), st.text()).map(lambda value: json.dumps(value, ensure_ascii=False).encode())
LINE_ENDS = st.sampled_from([b"\n", b"\r\n"])


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(edges)]


@given(st.lists(JSON_LINES), LINE_ENDS, st.lists(st.integers(0)))
def test_events_are_the_same_however_they_are_cut(said: list[bytes], end: bytes, cuts: list[int]) -> None:
    raws = [b"event: x" + end + b"data: " + line + end + end for line in said]
    assert list(server_sent(pieces(b"".join(raws), cuts))) == [Frame(*pair) for pair in zip(said, raws, strict=True)]


def test_a_comment_a_field_without_data_and_an_empty_event_say_nothing() -> None:
    stream = b": keep-alive\n\nid: 7\n\n\n\nretry: 10\n\ndata: 1\n\n: bye\n\n"
    assert [frame.data for frame in server_sent([stream])] == [b"1"]


@pytest.mark.parametrize(
    ("event", "data"),
    [
        (b"data:1\n\n", b"1"),
        (b"data:  1\n\n", b" 1"),
        (b"data: 1\ndata: 2\n\n", b"1\n2"),
        (b": psst\ndata: 1\nid: 7\n\n", b"1"),
        (b"data\n\n", b""),
    ],
)
def test_data_is_read_as_the_protocol_says(event: bytes, data: bytes) -> None:
    assert list(server_sent([event])) == [Frame(data, event)]


@pytest.mark.parametrize("last", [b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE]\r\n"])
def test_the_last_event_may_end_without_a_blank_line(last: bytes) -> None:
    assert [frame.data for frame in server_sent([b"data: 1\n\n", last])] == [b"1", b"[DONE]"]


def test_an_event_without_end_is_given_up() -> None:
    block = b"x" * 65_536
    endless = (block for _ in range(LONGEST // len(block) + 2))
    with pytest.raises(Unreadable):
        list(server_sent(endless))


# ------------------------------------------------------------------------------------------------ AWS's frames


def chunk(event: bytes) -> bytes:
    headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    return eventstream.frame(headers, json.dumps({"bytes": base64.b64encode(event).decode(), "p": "abc"}).encode())


PING = b'{"type":"ping"}'
SAID = b'event: ping\ndata: {"type":"ping"}\n\n'


@given(st.lists(JSON_LINES), st.lists(st.integers(0)))
def test_frames_are_the_same_however_they_are_cut(texts: list[bytes], cuts: list[int]) -> None:
    events = [b'{"type":"t","said":' + text + b"}" for text in texts]
    stream = b"".join(map(chunk, events))
    assert list(event_stream(pieces(stream, cuts))) == [
        Frame(event, b"event: t\ndata: " + event + b"\n\n") for event in events
    ]


def test_a_frame_that_was_damaged_is_told_apart_and_the_next_one_read() -> None:
    damaged = eventstream.with_wrong_checksum(chunk(PING))
    assert list(event_stream([damaged, chunk(PING)])) == [Frame(None, b""), Frame(PING, SAID)]


@pytest.mark.parametrize(
    "inside", [b"{", b"[]", b"{}", b"null", b'{"bytes": 7}', b'{"bytes": "?"}', b'{"bytes": "e30="}']
)
def test_one_with_something_else_inside_is_too(inside: bytes) -> None:
    odd = eventstream.frame({":message-type": "event", ":event-type": "chunk"}, inside)
    assert list(event_stream([odd + chunk(PING)])) == [Frame(None, b""), Frame(PING, SAID)]


def test_an_exception_is_the_dialects_error() -> None:
    said = {":message-type": "exception", ":exception-type": "throttlingException"}
    (frame,) = event_stream([eventstream.frame(said, b'{"message": "Slow down."}')])
    assert frame.data is not None
    assert json.loads(frame.data) == {
        "type": "error",
        "error": {"type": "throttlingException", "message": "Slow down."},
    }


def test_an_event_of_several_lines_is_told_in_one() -> None:
    (frame,) = event_stream([chunk(b'{\n  "type": "ping"\n}')])
    assert frame == Frame(PING, SAID)


def test_headers_of_every_type_are_passed_over() -> None:
    """AWS's protocol knows ten types of values; Bedrock sends text."""
    values = [(0, b""), (1, b""), (2, b"1"), (3, b"12"), (4, b"1234"), (5, b"12345678"), (8, b"12345678")]
    values += [(9, b"1" * 16), (6, struct.pack(">H", 3) + b"abc")]
    odd = b"".join(bytes([1]) + b"x" + bytes([kind]) + value for kind, value in values)
    event = b"\x0d:message-type\x07\x00\x05event"
    payload = b'{"bytes": "' + base64.b64encode(PING) + b'"}'
    prelude = struct.pack(">II", 16 + len(odd + event) + len(payload), len(odd + event))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + odd + event + payload
    assert list(event_stream([body + struct.pack(">I", zlib.crc32(body))])) == [Frame(PING, SAID)]


@pytest.mark.parametrize("at", [0, 4, 8])
def test_when_the_lengths_are_damaged_nobody_can_go_on(at: int) -> None:
    stream = bytearray(chunk(PING))
    stream[at + 3] ^= 0xFF
    with pytest.raises(Unreadable):
        list(event_stream([bytes(stream)]))


@pytest.mark.parametrize("size", [15, LONGEST + 1])
def test_a_frame_of_an_impossible_size_is_given_up_before_it_is_here(size: int) -> None:
    prelude = struct.pack(">II", size, 0)
    with pytest.raises(Unreadable):
        list(event_stream([prelude + struct.pack(">I", zlib.crc32(prelude))]))


def test_half_a_frame_is_none() -> None:
    assert list(event_stream([chunk(PING)[:-1]])) == []
