"""Replays have no network: it is refused by the process itself, to everybody in it."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests.conftest import ROOT

WAYS = {
    "a connection": "import socket; socket.create_connection(('127.0.0.1', {port}), 2)",
    "a bare socket": "import socket; socket.socket()",
    "C's own socket": "import _socket; _socket.socket().connect(('127.0.0.1', {port}))",
    "a name": "import socket; socket.getaddrinfo('localhost', {port})",
    "urllib": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}', timeout=2)",
    "httpx2": "import httpx2; httpx2.get('http://127.0.0.1:{port}', timeout=2)",
    "boto3": "import boto3; boto3.client('s3', region_name='us-east-1', endpoint_url='http://127.0.0.1:{port}').list_buckets()",
    "a thread": (
        "import threading as t, socket as s; t.Thread(target=s.create_connection, args=[('127.0.0.1', {port})]).start()"
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_nobody_reaches_a_server_that_is_there(way: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        script = (
            f"from evals import offline; offline.refuse_sockets(); {WAYS[way].format(port=server.getsockname()[1])}"
        )
        variables = {"PYTHONPATH": ".", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
        )
        assert "NetworkRefused" in done.stderr
        assert "evals/recordings/" in done.stderr
        server.settimeout(0.05)
        with pytest.raises(TimeoutError):
            server.accept()
