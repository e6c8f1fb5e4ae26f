"""A whole answer is bounded in time, however slowly and in however many pieces it comes."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from llm_core.providers.transport import Reading, http_client

WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


@contextmanager
def saying(pieces: Iterable[bytes], pause: float = 0.0, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that answers each connection with these pieces, a pause between them."""
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as ended:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    accepted, _ = server.accept()
                    with tls.wrap_socket(accepted, server_side=True) if tls else accepted as client, suppress(OSError):
                        _hear(client)
                        for piece in pieces:
                            client.sendall(piece)
                            time.sleep(pause)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        ended.callback(server.shutdown, socket.SHUT_RDWR)
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.getsockname()[1]}"


def _hear(client: socket.socket) -> None:
    """The whole request: whoever hangs up on one half read resets the connection, and takes its answer back."""
    length = 0
    with client.makefile("rb") as asked:
        while line := asked.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        asked.read(length)


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


# ------------------------------------------------------------------------------------------------ streamed answers

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def test_a_streams_reads_last_as_long_as_each_is_given() -> None:
    pieces = [HEAD, b"1\r\na\r\n", b"1\r\nb\r\n"]
    with saying(pieces, pause=0.2) as url, http_client() as client:
        reading = Reading()
        with reading.until(time.monotonic() + 1):
            response = client.send(client.build_request("GET", url, timeout=5), stream=True)
        chunks = response.iter_bytes()
        with reading.until(time.monotonic() + 1):
            assert next(chunks) == b"a"
        with reading.until(time.monotonic() + 0.05), pytest.raises(httpx2.ReadTimeout):
            next(chunks)


def test_a_read_that_waits_behind_tls_is_ended_by_another_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with saying([HEAD, b"1\r\na\r\n"], pause=20, tls=context) as url, http_client() as client:
        reading = Reading()
        with reading.until(time.monotonic() + 10):
            response = client.send(client.build_request("GET", url, timeout=10), stream=True)
        threading.Timer(0.1, reading.cancel).start()
        began = time.monotonic()
        with reading.until(time.monotonic() + 10), pytest.raises(httpx2.TransportError):
            next(response.iter_bytes())
        assert time.monotonic() - began < 2
        with reading.until(time.monotonic() + 10), pytest.raises(httpx2.TransportError):
            client.get(url)


def self_signed(folder: Path) -> Path:
    """A key and a certificate for 127.0.0.1, in one file."""
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificate, and is not installed here")
    file = folder / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(file), "-out", str(folder / "certificate")]
    subprocess.run(command, check=True, capture_output=True)
    file.write_text(file.read_text() + (folder / "certificate").read_text())
    return file
