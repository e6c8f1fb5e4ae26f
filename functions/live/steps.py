"""An event of a run as it is sent on the live socket."""

from __future__ import annotations

from live.frames import MOST_BYTES, Type, frame
from llm_core.runs.events import Event


def step(run_id: str, event: Event) -> bytes:
    """An event of a run; the last one is `done`. One that is too large says where it can be read."""
    type: Type = "done" if event.type == "done" else "step"
    made = frame(type, {"runId": run_id}, seq=event.seq, ts=event.at, data={"type": event.type, **event.shown})
    if len(made) <= MOST_BYTES:
        return made
    short = {"type": event.type, "omitted": f"{len(made)} bytes: GET /v1/agents/runs/{run_id} has them."}
    return frame(type, {"runId": run_id}, seq=event.seq, ts=event.at, data=short)
