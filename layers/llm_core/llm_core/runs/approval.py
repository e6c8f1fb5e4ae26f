"""A run waits for a person's word, which is about exactly what was shown: a digest of it goes with the question.

The word and the state machine's token arrive in any order; whichever comes second lets the machine go on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic_core import to_json

from llm_core.aws import machine
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest
from llm_core.runs.change import Step, change
from llm_core.runs.ending import ended
from llm_core.runs.events import Event
from llm_core.runs.run import WAITS, Pending, Run

Word = Literal["approved", "rejected", "expired"]


class NotWaiting(InvalidRequest):
    """Nobody is asked anything, or something else than what was approved."""

    code = "not_waiting"


def digest(shown: Any) -> str:
    """Of what a person is shown, as canonical JSON: it changes with every letter."""
    return hashlib.sha256(to_json(_sorted(shown))).hexdigest()


def asked(run: Run, turn: int, what: Literal["tools", "publish"], shown: Any, note: str) -> tuple[Run, Event]:
    """The run as it waits, and the event that asks."""
    pending = Pending(turn, what, digest(shown))
    data = {"what": what, "shown": shown, "hash": pending.digest, "seconds": WAITS[what], "message": note}
    return replace(run, status="awaiting_approval", pending=pending), Event("approval", data)


def decide(run_id: str, word: Word, deadline: Deadline, *, of: str | None = None, note: str = "") -> Run:
    """Of several who decide at once exactly one does. `of`: the digest of what was looked at.

    Raises NotWaiting, NotFound, StoreUnavailable.
    """

    def decided(run: Run) -> Step | None:
        pending = run.pending
        if word == "expired" and (pending is None or run.over or pending.decided):
            return None
        if pending is None or run.over or pending.decided not in ("", word):
            raise NotWaiting(f"Run {run.id} waits for nobody's word: it is {run.status}.")
        if of is not None and of != pending.digest:
            raise NotWaiting("What this run asks now is not what you looked at. Read it again.", param="hash")
        if pending.decided:
            return None  # the same word once more
        told = Event("approval", {"what": pending.what, "decided": word, "hash": pending.digest, "message": note})
        after = replace(run, status="running", pending=replace(pending, decided=word, note=note))
        if pending.what == "tools":
            return Step(after, [told])
        if word == "approved":
            return ended(after, "succeeded", before=[told])
        sentences = {"rejected": note or "A person rejected the answer.", "expired": "Nobody approved it in time."}
        return ended(after, "failed", reason=word, message=sentences[word], before=[told])

    tokens: list[str] = []

    def remembering(run: Run) -> Step | None:
        tokens[:] = [run.pending.token] if run.pending and run.pending.token else []
        return decided(run)

    after = change(run_id, remembering, deadline)
    if tokens and word != "expired":
        machine.answer(tokens[0])
    return after


def wait(run_id: str, turn: int, token: str, deadline: Deadline) -> None:
    """The state machine waits with this token. Where the word was given before, it need not.

    Raises NotFound, StoreUnavailable.
    """
    late: list[bool] = []

    def waiting(run: Run) -> Step | None:
        pending = run.pending
        late[:] = [pending is None or run.over or bool(pending.decided) or pending.turn != turn]
        if pending is None or late[0]:
            return None
        return Step(replace(run, pending=replace(pending, token=token)))

    change(run_id, waiting, deadline)
    if late[0]:
        machine.answer(token)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_sorted(each) for each in value]
    return value
