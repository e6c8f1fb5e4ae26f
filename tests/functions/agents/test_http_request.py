"""The tool that reads the web never becomes a way into this network, whatever it is given and whatever it meets."""

from __future__ import annotations

import http.server
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread
from typing import Any

import pytest

from agents.tools.http_request import http_request, is_public
from agents.tools.tool import Context, ToolError
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.settings import settings

PUBLIC = "93.184.215.14"


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Says which hosts may be read; all of them until then."""

    def allow(hosts: str) -> None:
        monkeypatch.setenv("AGENT_HTTP_HOSTS", hosts)
        settings.cache_clear()

    allow("*")
    yield allow
    settings.cache_clear()


class Connections(list[tuple[str, int]]):
    """Where somebody connected to. `names` is what each name means, one time after the other."""

    names: dict[str, list[list[str]]]


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch, allowed: Callable[[str], None]) -> Iterator[Connections]:
    """The internet: names mean what the test says, and every public address is a server of this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    Thread(target=server.serve_forever, daemon=True).start()
    made = Connections()
    made.names = {"docs.example": [[PUBLIC]]}
    connect = socket.create_connection
    resolve = socket.getaddrinfo

    def resolved(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        meanings = made.names.get(host)
        if meanings is None:
            return resolve(host, port, *args, **kwargs)
        addresses = meanings.pop(0) if len(meanings) > 1 else meanings[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    def connected(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        made.append(address)
        assert is_public(address[0]), "nobody may come here"
        return connect(("127.0.0.1", server.server_port), *args, **kwargs)

    monkeypatch.setattr("agents.tools.http_request.socket.getaddrinfo", resolved)
    monkeypatch.setattr("agents.tools.http_request.socket.create_connection", connected)
    yield made
    server.shutdown()


class Pages(http.server.BaseHTTPRequestHandler):
    """`/to?<address>` redirects there, `/again` to itself, `/drip` never ends; everything else is a page that says
    where it is, in the charset of its query."""

    def do_GET(self) -> None:
        path, _, target = self.path.partition("?")
        if path in ("/to", "/again"):
            self.send_response(302)
            self.send_header("location", target or "/again")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        if path == "/drip":
            self.drip()
            return
        body = f"{self.headers['host']} {self.path}".encode()
        self.send_response(200)
        self.send_header("content-type", f"text/plain; charset={target or 'utf-8'}")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def drip(self) -> None:
        """A byte now and then, for as long as somebody reads."""
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            while True:
                self.wfile.write(b".")
                time.sleep(0.05)

    def log_message(self, *_: Any) -> None:
        """Nobody wants to read it."""


def fetch(url: str) -> dict[str, Any]:
    context = Context(Caller("k", "u", frozenset()), Deadline.after(60), lambda _: "")
    answer: dict[str, Any] = http_request(context, {"url": url})
    return answer


def test_a_page_is_read_from_the_address_that_was_checked(web: Connections) -> None:
    answer = fetch("http://docs.example/a?b=c")
    assert (answer["status"], answer["text"]) == (200, "docs.example /a?b=c")
    assert web == [(PUBLIC, 80)]


SPELLINGS = [
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0.0.0.0/",
    "http://0/",
    "http://127.255.255.254/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
]
ELSEWHERE = [
    "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "http://169.254.170.2/v2/credentials",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fe80::1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://2852039166/",
]


@pytest.mark.parametrize("url", SPELLINGS + ELSEWHERE)
def test_what_is_not_the_internet_is_never_connected_to(url: str, web: Connections) -> None:
    with pytest.raises(ToolError):
        fetch(url)
    assert web == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://docs.example/",
        "gopher://docs.example/",
        "http://user@docs.example/",
        "http://docs.example@127.0.0.1/",
        "http://docs.example:22/",
        "http://docs.example:99999/",
        "http://docs.example%2f@x/",
        "http:///",
        "//docs.example/",
        "http://①②⑦.⓪.⓪.①/",
        "http://[fe80::1%25eth0]/",
        "http://",
        "",
    ],
)
def test_what_is_no_plain_address_is_refused(url: str, web: Connections) -> None:
    with pytest.raises(ToolError):
        fetch(url)
    assert web == []


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["10.0.0.9"], [PUBLIC, "169.254.169.254"], ["::1"]])
def test_a_name_that_means_a_private_address_is_refused(addresses: list[str], web: Connections) -> None:
    web.names["evil.example"] = [addresses]
    with pytest.raises(ToolError):
        fetch("http://evil.example/")
    assert web == []


def test_a_name_that_means_something_else_a_moment_later_is_asked_for_once(web: Connections) -> None:
    web.names["rebinding.example"] = [[PUBLIC], ["127.0.0.1"]]
    assert fetch("http://rebinding.example/")["status"] == 200
    assert web == [(PUBLIC, 80)]
    with pytest.raises(ToolError):
        fetch("http://rebinding.example/")
    assert len(web) == 1


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1/", "http://169.254.169.254/latest/", "http://[::1]/", "file:///x"]
)
def test_a_redirect_to_where_nobody_may_go_is_not_followed(target: str, web: Connections) -> None:
    with pytest.raises(ToolError):
        fetch(f"http://docs.example/to?{target}")
    assert web == [(PUBLIC, 80)]


def test_a_redirect_within_the_allowed_is_followed_and_ends(web: Connections) -> None:
    assert fetch("http://docs.example/to?/there")["text"] == "docs.example /there"
    with pytest.raises(ToolError, match="redirects"):
        fetch("http://docs.example/again")


def test_a_page_that_never_ends_is_left_in_time(web: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.tools.http_request._SECONDS", 0.5)
    with pytest.raises(ToolError, match="TimeoutError"):
        fetch("http://docs.example/drip")


def test_a_page_in_a_charset_of_nobodys_is_read_as_far_as_it_goes(web: Connections) -> None:
    assert fetch("http://docs.example/a?klingon")["text"] == "docs.example /a?klingon"


def test_only_hosts_that_an_operator_named_are_read(web: Connections, allowed: Callable[[str], None]) -> None:
    allowed("docs.example, *.example.org")
    web.names |= {"a.example.org": [[PUBLIC]], "other.example": [[PUBLIC]]}
    assert fetch("http://docs.example/")["status"] == 200
    assert fetch("http://a.example.org/")["status"] == 200
    for url in (
        "http://other.example/",
        "http://docs.example.other.example/",
        "http://docs.example/to?http://other.example/",
    ):
        with pytest.raises(ToolError):
            fetch(url)
    assert [address for address, _ in web] == [PUBLIC] * 3


def test_without_hosts_there_is_no_such_tool(allowed: Callable[[str], None]) -> None:
    from agents.tools import registry

    allowed("")
    registry.tools.cache_clear()
    assert "http_request" not in registry.tools()
    allowed("docs.example")
    registry.tools.cache_clear()
    assert "http_request" in registry.tools()
    registry.tools.cache_clear()
