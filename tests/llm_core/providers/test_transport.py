"""A whole answer is bounded in time, however slowly and in however many pieces it comes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx2
import pytest

from llm_core.providers.transport import http_client

WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


@contextmanager
def saying(pieces: Iterable[bytes], pause: float = 0.0) -> Iterator[str]:
    """A server that answers each connection with these pieces, a pause between them."""
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as ended:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = server.accept()
                    with client, suppress(OSError):
                        client.recv(65_536)
                        for piece in pieces:
                            client.sendall(piece)
                            time.sleep(pause)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        ended.callback(server.shutdown, socket.SHUT_RDWR)
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def bytewise(text: bytes) -> list[bytes]:
    return [bytes([byte]) for byte in text]


def test_a_prompt_answer_comes_as_it_is() -> None:
    with saying([WHOLE]) as url, http_client() as client:
        assert client.get(url, timeout=2).json() == {}


def test_an_answer_in_pieces_that_ends_in_time_is_whole() -> None:
    with saying(bytewise(WHOLE), pause=0.002) as url, http_client() as client:
        assert client.get(url, timeout=5).json() == {}


def test_without_a_time_out_nothing_is_cut() -> None:
    with saying(bytewise(WHOLE), pause=0.002) as url, http_client() as client:
        assert client.get(url, timeout=None).json() == {}


def test_a_body_that_drips_is_cut_at_the_time_out() -> None:
    """Each byte comes long before a read would time out; all of them never do."""
    endless = [b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", *bytewise(b" " * 200)]
    with saying(endless, pause=0.05) as url, http_client() as client:
        began = time.monotonic()
        with pytest.raises(httpx2.ReadTimeout):
            client.get(url, timeout=0.5)
        assert time.monotonic() - began < 1.5


def test_a_head_that_drips_is_cut_at_the_time_out_too() -> None:
    endless = [b"HTTP/1.1 200 OK\r\nx-slow: ", *bytewise(b"a" * 60), b"\r\ncontent-length: 2\r\n\r\n{}"]
    with saying(endless, pause=0.05) as url, http_client() as client:
        began = time.monotonic()
        with suppress(httpx2.TimeoutException):
            client.get(url, timeout=0.5)
        assert time.monotonic() - began < 1.5


def test_silence_is_cut_at_the_time_out() -> None:
    with saying([b"", WHOLE], pause=1.5) as url, http_client() as client:
        began = time.monotonic()
        with pytest.raises(httpx2.ReadTimeout):
            client.get(url, timeout=0.3)
        assert time.monotonic() - began < 1.2


def test_a_connection_is_used_again_after_an_answer_was_read() -> None:
    connections = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, address = server.accept()
                    connections.append(address)
                    with client:
                        while client.recv(65_536):
                            client.sendall(WHOLE)

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with http_client() as client:
            for _ in range(3):
                assert client.get(url, timeout=2).json() == {}
    assert len(connections) == 1
