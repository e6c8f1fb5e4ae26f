"""What is at work this moment: runs, calls that hold money, tools that were asked for; how fast, and what failed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from llm_core import keys
from llm_core.accounts import window
from llm_core.aws import table
from llm_core.errors import NotFound
from llm_core.money import usd
from llm_core.roll_ups import sums
from llm_core.roll_ups.contribution import ALL
from llm_core.runs import events, run, slots
from llm_core.runs.run import Run
from llm_core.settings import settings

_GOOD = {"ok", "cancelled"}


def told(now: float) -> dict[str, Any]:
    """`{asOf, runs, queue: {calls, tools}, latency, errors}`; money in USD. Raises StoreUnavailable.

    Latencies are those of attempts at providers in this hour and the one before, within 10 % (histogram.py).
    """
    moment = datetime.fromtimestamp(now, UTC)
    running = list(_runs())
    cells = list(sums.cells(ALL, "hour", moment.date() - timedelta(days=1), moment.date()))
    lately = {f"{at:%Y-%m-%dT%H}:00:00Z" for at in (moment, moment - timedelta(hours=1))}
    fast = sums.total(sums.grouped((cell for cell in cells if cell.labels["hour"] in lately), ["day"]).values())
    return {
        "asOf": moment.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "runs": [_shown(each) for each in running],
        "queue": {"calls": _calls(), "tools": sum(_open_tools(each) for each in running if each.status == "running")},
        "latency": {
            "minutes": 60 + moment.minute,
            "attempts": fast["attempts"],
            **{f"p{percent}_ms": fast.latency(percent) for percent in (50, 95, 99)},
        },
        "errors": list(_failures(cells)),
    }


def _runs() -> Iterator[Run]:
    """The runs that hold a slot of their user, newest first; a run that ends meanwhile is left out."""
    owners = sorted({key.user_id for key in keys.every()} | {"writers"})
    found = []
    for owner in owners:
        for run_id in slots.taken(owner):
            try:
                found.append(run.find(run_id))
            except NotFound:
                continue
    yield from sorted((each for each in found if not each.over), key=lambda each: each.created, reverse=True)


def _calls() -> int:
    """Calls that hold money, each once although it may hold some on several accounts."""
    names = (key["userId"] for key in table.listed(settings().need("budgets_table_name"), window.OPEN, window.OPEN))
    items = (window.parsed(name).read() for name in names)
    return len({call for item in items if item is not None for call in item["holds"]})


def _open_tools(running: Run) -> int:
    """Tools that the run asked for and that have not answered yet."""
    asked, answered = set(), set()
    for event in events.after(running.id):
        if event.type == "tool_call":
            asked.add(event.data.get("callId"))
        elif event.type == "observation":
            answered.add(event.data.get("callId"))
    return len(asked - answered)


def _failures(cells: list[sums.Read]) -> Iterator[dict[str, Any]]:
    """What did not go well since yesterday (UTC), the latest hour first."""
    by = ["hour", "provider", "model", "outcome"]
    groups = sums.grouped((cell for cell in cells if cell.labels["outcome"] not in _GOOD), by)
    for group, found in sorted(groups.items(), reverse=True):
        yield {**dict(zip(by, group, strict=True)), "attempts": found["attempts"]}


def _shown(found: Run) -> dict[str, Any]:
    return {
        "runId": found.id,
        "userId": found.owner,
        "type": found.kind,
        "status": found.status,
        "cost": float(usd(found.cost)),
        "createdAt": datetime.fromtimestamp(found.created, UTC).isoformat().replace("+00:00", "Z"),
    }
