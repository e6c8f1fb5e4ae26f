"""Traces as they are read: X-Ray's documents, of this machine's collector or of a stage, as trees of spans.

A door is what AWS itself writes a segment for: an API, a function. Its time is explained by what is below it: a call, a
provider, a named piece of ours, another door.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Span:
    """A segment or subsegment. Times are epoch seconds. `door`: AWS itself writes it, for an API or a function."""

    id: str
    parent: str | None
    name: str
    began: float
    ended: float
    door: bool
    annotations: Mapping[str, Any]
    failed: bool
    detail: str = ""

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def hop(self) -> str:
        """Under which it is counted."""
        return f"{self.name} {self.detail}".strip() if not self.door else self.name

    @property
    def facts(self) -> str:
        """What is known of it, in a line, without what goes without saying."""
        known = {k: v for k, v in self.annotations.items() if k not in ("stage", "provider") and v is not False}
        told = [f"{name}={known[name]}" for name in sorted(known, key=lambda name: name != "outcome")]
        return " ".join([*([self.detail] if self.door and self.detail else []), *told])


@dataclass(frozen=True)
class Trace:
    """The spans of one request or run, in the order in which they began."""

    id: str
    spans: Sequence[Span]

    @property
    def began(self) -> float:
        return self.spans[0].began

    @cached_property
    def seconds(self) -> float:
        return max(span.ended for span in self.spans) - self.began

    @property
    def requested(self) -> bool:
        """Whether it began with a request."""
        return any(span.door and span.detail for span in self.spans)

    @property
    def title(self) -> str:
        """The request where there was one, else whoever was invoked."""
        return next((span.detail for span in self.spans if span.door and span.detail), self.spans[0].name)

    @cached_property
    def below(self) -> Mapping[str | None, Sequence[Span]]:
        """The children of each span; under None those whose parent is not here."""
        known = {span.id for span in self.spans}
        found: dict[str | None, list[Span]] = defaultdict(list)
        for span in self.spans:
            found[span.parent if span.parent in known else None].append(span)
        return found

    def walk(self, parent: str | None = None, depth: int = 0) -> Iterator[tuple[int, Span]]:
        """Each span below its parent, with its depth."""
        for span in self.below.get(parent, ()):
            yield depth, span
            yield from self.walk(span.id, depth + 1)

    @cached_property
    def unexplained(self) -> float:
        """Seconds in which a door was at work on something that has no name, or nobody was."""
        pieces = [piece for span in self.spans if span.door for piece in _less(span, self.below.get(span.id, ()))]
        whole = replace(self.spans[0], ended=self.began + self.seconds)
        return _length([*pieces, *_less(whole, self.spans)])

    def has(self, wanted: Mapping[str, str]) -> bool:
        """Whether one span carries all these annotations."""
        return any(all(str(span.annotations.get(k)) == v for k, v in wanted.items()) for span in self.spans)


def _less(span: Span, others: Sequence[Span]) -> Iterator[tuple[float, float]]:
    """When a span lasted and none of the others did, which are in order."""
    began = span.began
    for other in others:
        if other.began > began:
            yield began, min(other.began, span.ended)
        began = max(began, other.ended)
        if began >= span.ended:
            return
    yield began, span.ended


def _length(pieces: Sequence[tuple[float, float]]) -> float:
    """Seconds that they cover together."""
    covered = until = 0.0
    for began, ended in sorted(pieces):
        covered += max(0.0, ended - max(until, began))
        until = max(until, ended)
    return covered


def read(path: Path, latest: int | None = None) -> list[Trace]:
    """What the collector kept, oldest first: all of it, or its `latest` bytes."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        if latest is not None and path.stat().st_size > latest:
            file.seek(-latest, os.SEEK_END)
            file.readline()  # half a line
        return assembled(json.loads(line) for line in file if line.endswith(b"\n"))


def assembled(documents: Iterable[Mapping[str, Any]]) -> list[Trace]:
    """Traces of X-Ray's documents, oldest first."""
    found: dict[str, dict[str, Span]] = defaultdict(dict)
    for document in documents:
        for span in _spans(document, document.get("parent_id")):
            found[document["trace_id"]][span.id] = span
    traces = [Trace(id, sorted(spans.values(), key=lambda span: span.began)) for id, spans in found.items()]
    return sorted(traces, key=lambda trace: trace.began)


def _spans(document: Mapping[str, Any], parent: str | None) -> Iterator[Span]:
    """A document and what is nested in it; what is still going on has no end, and is left out."""
    if "end_time" in document:
        request = document.get("http", {}).get("request", {})
        asked = f"{request.get('method', '')} {request.get('url', '')}".strip()
        yield Span(
            id=document["id"],
            parent=parent,
            name=document["name"],
            began=document["start_time"],
            ended=document["end_time"],
            door=document.get("type") != "subsegment" and "origin" in document and not document.get("inferred"),
            annotations=document.get("annotations", {}),
            failed=bool(document.get("fault") or document.get("error")),
            detail=document.get("aws", {}).get("operation") or asked,
        )
    for nested in document.get("subsegments", ()):
        yield from _spans({"type": "subsegment", **nested}, document["id"])


@dataclass(frozen=True)
class Hop:
    """How long one kind of work takes: seconds at the 50th, 95th and 99th percentile of `count`."""

    name: str
    count: int
    p50: float
    p95: float
    p99: float


def hops(traces: Iterable[Trace]) -> list[Hop]:
    """Every kind of work in them, the dearest at the 95th percentile first."""
    times: dict[str, list[float]] = defaultdict(list)
    for trace in traces:
        for span in trace.spans:
            times[span.hop].append(span.seconds)
    found = [Hop(name, len(all), *(_percentile(sorted(all), p) for p in (50, 95, 99))) for name, all in times.items()]
    return sorted(found, key=lambda hop: -hop.p95)


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent of all do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def moved(trace: Trace, below: Mapping[str, str], more: Sequence[Span]) -> Trace:
    """The trace with `more` spans, and with other parents for some: {id: parent}."""
    spans = [replace(span, parent=below.get(span.id, span.parent)) for span in trace.spans]
    return Trace(trace.id, sorted([*spans, *more], key=lambda span: span.began))
