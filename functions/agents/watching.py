"""A run's events as a stream: each once, in order, until the last, or until it is time to come again."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from typing import Any

from pydantic_core import to_json

from agents import showing
from llm_core.aws import tracing
from llm_core.aws.http import defect
from llm_core.aws.refusals import native, refusal
from llm_core.deadline import Deadline
from llm_core.errors import DreyError
from llm_core.runs import ending, events
from llm_core.runs import run as stored
from llm_core.runs.run import Run

LOOK_S = 0.25
"""Between two looks at the table: half a read unit each, and soon enough for people."""

SILENCE_S = 10.0
COMMENT = b": keep-alive\n\n"
_LOOKS_AT_RUN = 40
"""So many looks without an event, and the run itself is looked at: it may be lost."""


def told(run: Run, seen: int, deadline: Deadline) -> Generator[bytes]:
    """`data: {type, seq, runId, ts, data}` for each event after `seen`; at last `done`, or `reconnect`.

    Nothing for a run that is over, when `seen` is its last event.
    """
    yield b": %b\n\n" % run.id.encode()  # so that the status leaves before the first event
    quiet, looks = time.monotonic(), 0
    try:
        while True:
            found = events.after(run.id, seen)
            for each in found:
                seen = each.seq
                yield _data(showing.event(run.id, each))
                if each.type == "done":
                    return
            if run.over and not found:
                return
            looks = 0 if found else looks + 1
            if found:
                quiet = time.monotonic()
            elif time.monotonic() - quiet > SILENCE_S:
                quiet = time.monotonic()
                yield COMMENT
            if looks >= _LOOKS_AT_RUN:
                looks = 0
                run = ending.looked_at(stored.find(run.id), deadline)
            if deadline.left <= 1:
                yield _data({"type": "reconnect", "seq": seen, "runId": run.id, "data": {"afterSeq": seen}})
                return
            with tracing.span("wait"):
                time.sleep(LOOK_S)
    except Exception as error:  # noqa: BLE001 - its status has left, so it is told in band
        failure = error if isinstance(error, DreyError) else defect(error)
        body = refusal(failure, native, "unknown").body.encode()
        yield b'data: {"type":"error","runId":"%b","seq":%d,"data":%b}\n\n' % (run.id.encode(), seen, body)


def _data(value: Mapping[str, Any]) -> bytes:
    return b"data: %b\n\n" % to_json(value)
