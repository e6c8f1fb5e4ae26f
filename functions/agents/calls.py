"""One tool call of a turn: allowed or not, run once, and what it gives back is data.

A call that was written down is not run again. Whatever goes wrong in a tool is told to the model, which may try
otherwise; only what passes by itself is raised, and the state machine tries again.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace

from agents import conversation
from agents.asking import Asking
from agents.conversation import Turn, legible
from agents.guards import objection
from agents.tools.registry import tools
from agents.tools.tool import Context, ToolError
from agents.turns import to_approve
from llm_core import callers
from llm_core.aws import table, telemetry, tracing
from llm_core.deadline import Deadline
from llm_core.errors import DreyError, LedgerUnavailable, NotAllowed, RateLimited, StoreUnavailable, Unauthorized
from llm_core.messages import ToolCall
from llm_core.runs import approval, change
from llm_core.runs import run as runs
from llm_core.runs.bodies import given
from llm_core.runs.change import Done, Step
from llm_core.runs.ending import ended
from llm_core.runs.events import Event
from llm_core.runs.run import Run, runs_table

MOST_CHARACTERS = 20_000
"""Of what a tool gives back: the model pays for all it reads."""

_PASSING = (StoreUnavailable, RateLimited, LedgerUnavailable)


def run(run_id: str, number: int, place: int, deadline: Deadline) -> None:
    """Raises what passes, such as StoreUnavailable and BudgetHeld."""
    found = runs.find(run_id)
    name = conversation.call_name(number, place)
    if found.over or table.get(runs_table(), {"runId": run_id, "item": name}):
        return
    turn = conversation.find_turn(found, number)
    assert turn is not None  # noqa: S101 - for the type checker: this turn asked for it
    try:
        caller = callers.vouched(found.key_id, found.purse)
    except (NotAllowed, Unauthorized) as error:
        _nobody_pays(run_id, error, deadline)
        return
    asking = Asking(caller, deadline, {"run": found.id, "turn": str(number), "call": str(place)})
    began = time.perf_counter()
    try:
        text, is_error = _result(found, turn, place, asking)
    except DreyError:
        if asking.charged:
            change.change(run_id, lambda now: Step(_with_cost(now, asking)), deadline)
        raise
    took = round((time.perf_counter() - began) * 1000)
    told = _observation(turn.calls[place], text, asking, is_error=is_error, took=took)
    kept = conversation.kept_result(found, number, place, text, is_error=is_error)

    def decide(now: Run) -> Step:
        return Step(_with_cost(now, asking), [] if now.over else [told], [kept])

    try:
        change.change(run_id, decide, deadline)
    except Done:
        change.change(run_id, lambda now: Step(_with_cost(now, asking)), deadline)


def _nobody_pays(run_id: str, error: DreyError, deadline: Deadline) -> None:
    """The key was revoked meanwhile: the next turn would say so, and this tool cannot be paid."""
    reason, message = error.code, error.message
    change.change(
        run_id, lambda now: None if now.over else ended(now, "failed", reason=reason, message=message), deadline
    )


def _observation(call: ToolCall, text: str, asking: Asking, *, is_error: bool, took: int) -> Event:
    """`took` is milliseconds."""
    told = {"callId": call.id, "toolName": call.name, "toolOutput": text, "isError": is_error}
    spent = {"costNano": asking.charged, "tokens": asking.input_tokens + asking.output_tokens, "durationMs": took}
    return Event("observation", told | spent)


def _with_cost(now: Run, asking: Asking) -> Run:
    return replace(
        now,
        cost=now.cost + asking.charged,
        input_tokens=now.input_tokens + asking.input_tokens,
        output_tokens=now.output_tokens + asking.output_tokens,
    )


def _result(found: Run, turn: Turn, place: int, asking: Asking) -> tuple[str, bool]:
    """What the model is told, and whether it is an error."""
    name, arguments = turn.calls[place].name, turn.arguments(place)
    tool = tools().get(name)
    if tool is None or name not in found.terms.tools:
        return f"There is no tool {name[:60]!r}. There are: {', '.join(found.terms.tools) or 'none'}.", True
    if arguments is None:
        return "The arguments are not a JSON object.", True
    if refused := _refused(found, turn, name) or objection(found.terms.checks, arguments):
        return refused, True
    documents = conversation.documents(given(found))
    try:
        with tracing.span(f"tool {name}") as span:
            span.annotate(tool=name)
            result = tool(Context(asking.caller, asking.deadline, asking, documents), arguments)
    except ToolError as error:
        return str(error), True
    except DreyError as error:
        if isinstance(error, _PASSING) and not _is_for_good(error):
            raise
        return f"The tool failed: {error.message}", True
    except Exception as error:  # noqa: BLE001 - a plugin's defect is the model's to work around, and the log's to tell
        telemetry.logger.exception("tool failed", extra={"event": "tool_failed", "tool": name, "run": found.id})
        return f"The tool failed ({type(error).__name__}).", True
    text = legible(result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str))
    if len(text) > MOST_CHARACTERS:
        text = f"{text[:MOST_CHARACTERS]}\n[Cut: it has {len(text)} characters.]"
    return text, False


def _is_for_good(error: DreyError) -> bool:
    """A call that asks for more tokens than a minute ever has will not pass."""
    return isinstance(error, RateLimited) and not error.retryable


def _refused(found: Run, turn: Turn, name: str) -> str:
    """Why a person does not want it; "" where none was asked, or allowed exactly this."""
    if name not in found.terms.approvals:
        return ""
    asked = found.pending
    if asked is None or asked.turn != turn.number or asked.decided != "approved":
        note = f" {asked.note}" if asked and asked.note else ""
        silent = asked is not None and asked.decided == "expired"
        return "Refused: nobody allowed it in time." if silent else f"Refused: a person does not allow it.{note}"
    if asked.digest != approval.digest(to_approve(found, turn)):
        return "Refused: this is not what a person allowed."
    return ""
