"""Traces as they are read: X-Ray's documents of a stage and of this machine become the same trees."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local import traces, xray
from local.collector import Collector
from local.project import CannotStart
from local.traces import assembled, hops

DOOR = {"origin": "AWS::Lambda::Function"}


def span(id: str, began: float, ended: float, parent: str = "", **more: Any) -> dict[str, Any]:
    above = {"parent_id": parent} if parent else {}
    return {"id": id, "name": id, "trace_id": "1-t", "start_time": began, "end_time": ended, **above, **more}


def piece(id: str, began: float, ended: float, parent: str = "door", **more: Any) -> dict[str, Any]:
    return span(id, began, ended, parent, type="subsegment", **more)


def test_what_a_door_does_without_a_name_is_unexplained() -> None:
    """Ten seconds: 2 to 5 and 4 to 7 are named, so 0 to 2 and 7 to 10 are not."""
    (trace,) = assembled([piece("hold", 2, 5), piece("bedrock", 4, 7), span("door", 0, 10, **DOOR)])
    assert trace.unexplained == pytest.approx(5)
    assert [(depth, each.name) for depth, each in trace.walk()] == [(0, "door"), (1, "hold"), (1, "bedrock")]


def test_a_long_wait_above_does_not_explain_a_door_below() -> None:
    found = [span("api", 0, 10, **DOOR), piece("state", 0, 10, "api"), span("door", 2, 8, "state", **DOOR)]
    (trace,) = assembled([*found, piece("anthropic", 3, 8)])
    assert trace.unexplained == pytest.approx(1)


def test_time_in_which_nobody_is_at_work_is_unexplained() -> None:
    (trace,) = assembled(
        [span("a", 0, 1, **DOOR), piece("x", 0, 1, "a"), piece("y", 3, 4, "b"), span("b", 3, 4, **DOOR)]
    )
    assert trace.unexplained == pytest.approx(2)


def test_percentiles_are_values_that_were_measured() -> None:
    documents = [piece("hold", 0, n, trace_id=f"1-{n}") for n in range(1, 101)]
    (hop,) = hops(assembled(documents))
    assert (hop.count, hop.p50, hop.p95, hop.p99) == (100, 50, 95, 99)


def test_annotations_choose_a_trace_when_one_span_has_them_all() -> None:
    failed, ok = {"provider": "anthropic", "outcome": "failed"}, {"provider": "bedrock", "outcome": "ok"}
    (trace,) = assembled([piece("a", 0, 1, annotations=failed), piece("b", 1, 2, annotations=ok)])
    assert trace.has({"provider": "bedrock", "outcome": "ok"})
    assert not trace.has({"provider": "anthropic", "outcome": "ok"})


def test_the_collector_keeps_segments_and_nothing_else(tmp_path: Path) -> None:
    collector = Collector(tmp_path / "traces.jsonl")
    host, _, port = collector.address.partition(":")
    heading = b'{"format":"json","version":1}\n'
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for datagram in (b"", b"nonsense", heading + b"{}", b"[]\n[]", heading + json.dumps(span("a", 0, 1)).encode()):
            sender.sendto(datagram, (host, int(port)))
    collector.close()
    assert [each.spans[0].id for each in traces.read(tmp_path / "traces.jsonl")] == ["a"]


class XRay(BaseHTTPRequestHandler):
    """X-Ray's API over seven traces; of one only a summary is there yet."""

    asked: list[dict[str, Any]] = []  # noqa: RUF012 - of one test

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append({"path": self.path, **body})
        if self.path == "/TraceSummaries":
            first = {"TraceSummaries": [{"Id": f"1-{n}"} for n in range(4)], "NextToken": "more"}
            told = {"TraceSummaries": [{"Id": f"1-{n}"} for n in range(4, 7)]} if "NextToken" in body else first
        else:
            told = {"Traces": [{"Id": id, "Segments": [self._segment(id)]} for id in body["TraceIds"]]}
        sent = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    @staticmethod
    def _segment(id: str) -> dict[str, str]:
        nested = {"id": f"n{id}", "name": "hold", "start_time": 1.0, "end_time": 2.0}
        going_on = {"id": f"p{id}", "name": "settle", "start_time": 2.0, "in_progress": True}
        whole = {"id": id, "name": "GatewayChat", "start_time": 0.0, "end_time": 3.0, **DOOR}
        return {"Id": id, "Document": json.dumps({**whole, "subsegments": [nested, going_on]})}

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What a stage's X-Ray was asked."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), XRay)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_XRAY", f"http://127.0.0.1:{server.server_port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    XRay.asked.clear()
    yield XRay.asked
    server.shutdown()
    server.server_close()


def test_a_stages_traces_are_read_page_by_page_and_five_at_a_time(stage: list[dict[str, Any]]) -> None:
    found = xray.traces("prod", 60, {"provider": "bedrock", "cached": "false", "attempt": "2"})
    assert {trace.id for trace in found} == {f"1-{n}" for n in range(7)}
    assert [(hop.name, hop.count, hop.p50) for hop in hops(found)] == [("GatewayChat", 7, 3), ("hold", 7, 1)]
    summaries = [each for each in stage if each["path"] == "/TraceSummaries"]
    assert summaries[0]["FilterExpression"] == (
        'annotation.stage = "prod" AND annotation.provider = "bedrock" AND annotation.cached = false'
        " AND annotation.attempt = 2"
    )
    assert summaries[0]["EndTime"] - summaries[0]["StartTime"] == pytest.approx(3600)
    assert [len(each["TraceIds"]) for each in stage if each["path"] == "/Traces"] == [5, 2]


def test_without_credentials_one_line_says_so(stage: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_XRAY", "http://127.0.0.1:9")
    with pytest.raises(CannotStart, match="X-Ray cannot be read"):
        xray.traces("prod", 60, {})
