"""One turn of the model: it is asked, within all that bounds the run, and what it says decides how the run goes on.

A turn that was written down is not taken again, whoever asks. One that died before that is taken again; what it may
have cost is booked by the sweeper.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from agents import conversation
from agents.asking import cost_of
from agents.conversation import MOST_CALLS, Turn, legible
from agents.guards import canonical
from agents.kinds import Kind, kinds
from agents.tools.registry import tools
from llm_core import callers, gateway
from llm_core.aws.http import defect
from llm_core.deadline import Deadline
from llm_core.errors import BudgetExceeded, DreyError, InvalidRequest, NotAllowed, NotFound, RateLimited, Unauthorized
from llm_core.failures import ProviderError
from llm_core.gateway import Answer, Wishes
from llm_core.messages import Message, Output, Reply, Request, Text, Tool, ToolCall, ToolChoice
from llm_core.prompts.library import prompt
from llm_core.runs import approval, change, ending
from llm_core.runs import run as runs
from llm_core.runs.bodies import given
from llm_core.runs.change import Done, Step
from llm_core.runs.events import Event
from llm_core.runs.run import Run

SAME_CALLS = 3
"""So often may a model ask for the same thing: twice is a second look, three times is a loop."""

_FOR_GOOD = (BudgetExceeded, InvalidRequest, NotAllowed, NotFound, Unauthorized)
"""What asking again would meet again. Anything else passes, and the state machine asks again."""

ENDED = "over"


@dataclass(frozen=True, slots=True)
class _Spent:
    """What the turn took: nano-USD as charged, tokens, milliseconds."""

    charged: int
    input_tokens: int
    output_tokens: int
    ms: int

    def on(self, run: Run) -> Run:
        return replace(
            run,
            cost=run.cost + self.charged,
            input_tokens=run.input_tokens + self.input_tokens,
            output_tokens=run.output_tokens + self.output_tokens,
        )

    @property
    def told(self) -> dict[str, int]:
        return {"costNano": self.charged, "tokens": self.input_tokens + self.output_tokens, "durationMs": self.ms}


def take(run_id: str, number: int, deadline: Deadline) -> dict[str, Any]:
    """Where the state machine goes on: `{outcome, runId, turn, calls, next}`, ids and nothing else.

    Raises what passes, such as StoreUnavailable and BudgetHeld.
    """
    run = runs.find(run_id)
    if run.over:
        return _goes_on(run, number, ENDED, 0)
    if taken := conversation.find_turn(run, number):
        return _goes_on(run, number, taken.outcome, len(taken.calls))
    if number > run.terms.turns:
        return _stopped(run, number, "turn_limit", f"{run.terms.turns} turns were not enough.", deadline)
    if time.time() >= run.until:
        return _stopped(run, number, "time_limit", f"{run.terms.seconds} s were not enough.", deadline)
    before = [turn for turn in conversation.turns(run) if turn.number < number]
    try:
        caller = callers.vouched(run.key_id, run.purse)
        caller.require("agent:run")
        tags = {"run": run.id, "turn": str(number)}
        answer = gateway.answer(_request(run, number, before), caller, deadline, Wishes(metadata=tags))
    except DreyError as error:
        charged = cost_of(error)
        if _is_for_good(error):
            return _stopped(run, number, error.code, error.message, deadline, charged)
        if charged:
            change.change(run.id, lambda now: Step(replace(now, cost=now.cost + charged)), deadline)
        raise
    try:
        return _decided(run, number, before, answer, deadline)
    except DreyError:
        raise
    except Exception as error:  # noqa: BLE001 - asking again would be paid again, and meet the same
        failure = defect(error)
        return _stopped(run, number, failure.code, failure.message, deadline, answer.call.charged)


def _is_for_good(error: DreyError) -> bool:
    if isinstance(error, RateLimited):
        return not error.retryable
    return isinstance(error, _FOR_GOOD) or (isinstance(error, ProviderError) and not error.retryable)


def _request(run: Run, number: int, before: Sequence[Turn]) -> Request:
    messages = conversation.messages(run, given(run), before)
    return request(kinds()[run.kind], run.terms.role, run.terms.tools, messages, last=number >= run.terms.turns)


def request(kind: Kind, role: str, names: Sequence[str], messages: tuple[Message, ...], *, last: bool) -> Request:
    """What a turn asks, with the tools of these names; the last one offers nothing more: it is there to answer."""
    offered = tuple(Tool(tool.name, tool.description, tool.schema) for name in names if (tool := tools().get(name)))
    return Request(
        model=role,
        messages=messages,
        system=prompt(kind.prompt),
        tools=offered,
        tool_choice=ToolChoice("none" if last else "auto"),
        output=Output(kind.name, kind.output) if kind.output else None,
    )


def _decided(
    run: Run, number: int, before: Sequence[Turn], answer: Answer[Reply], deadline: Deadline
) -> dict[str, Any]:
    """What comes of the answer, written down with its cost."""
    usage = answer.reply.usage
    spent = _Spent(answer.call.charged, usage.prompt, usage.output, answer.call.provider_ms)
    text = legible("".join(part.text for part in answer.reply.parts if isinstance(part, Text)).strip())
    calls = tuple(
        ToolCall(legible(part.id), legible(part.name), legible(part.arguments))
        for part in answer.reply.parts
        if isinstance(part, ToolCall)
    )

    def decide(now: Run) -> Step:
        outcome, step = _step(spent.on(now), number, before, answer.reply, text, calls, spent)
        turn = Turn(number, text, calls, outcome)
        return replace(step, items=[conversation.kept_turn(now, turn)])

    try:
        change.change(run.id, decide, deadline)
    except Done:  # somebody else took it at the same time; what this one cost counts too
        change.change(run.id, lambda now: Step(spent.on(now)), deadline)
    taken = conversation.find_turn(run, number)
    assert taken is not None  # noqa: S101 - for the type checker: it was written
    return _goes_on(run, number, taken.outcome, len(taken.calls))


def _step(
    run: Run,
    number: int,
    before: Sequence[Turn],
    reply: Reply,
    text: str,
    calls: Sequence[ToolCall],
    spent: _Spent,
) -> tuple[str, Step]:
    """The outcome, and the step that leads there. `run` has the turn's cost already."""
    if run.over:  # cancelled meanwhile
        return ENDED, Step(run)
    thought = Event("think", {"content": text, **spent.told})
    response = Event("response", {"content": text, **spent.told})
    if reply.finish == "refusal":
        return ENDED, ending.ended(run, "failed", reason="refused", message="The model refuses.", before=[thought])
    if calls and reply.finish != "length":
        return _with_calls(run, number, before, calls, thought)
    if not text and reply.finish == "stop":
        message = "The model answered with nothing."
        return ENDED, ending.ended(run, "failed", reason="empty_answer", message=message, before=[thought])
    if reply.finish != "stop":
        message = "The answer is longer than a turn may be, so it is not whole."
        return ENDED, ending.ended(run, "failed", reason="cut_off", message=message, before=[response])
    output = kinds()[run.kind].told(text)
    if output is None:
        message = "The answer is not of the form that this kind of agent promises."
        return ENDED, ending.ended(run, "failed", reason="malformed_answer", message=message, before=[response])
    if run.terms.publishes:
        waits, asked = approval.asked(replace(run, output=output), number, "publish", output, "May this be published?")
        return "publish", Step(waits, [response, asked])
    return ENDED, ending.ended(run, "succeeded", output=output, before=[response])


def _with_calls(
    run: Run, number: int, before: Sequence[Turn], calls: Sequence[ToolCall], thought: Event
) -> tuple[str, Step]:
    now = Turn(number, "", tuple(calls), "")
    counted = Counter(
        canonical(turn.calls[place].name, turn.arguments(place) or {"unreadable": turn.calls[place].arguments})
        for turn in (*before, now)
        for place in range(len(turn.calls))
    )
    repeated = next((call for call, times in counted.items() if times >= SAME_CALLS), None)
    events = [thought, *(_called(now, place) for place in range(min(len(calls), MOST_CALLS)))]
    if repeated is not None:
        message = f"The model asked for the same thing {SAME_CALLS} times: {repeated.partition(' ')[0][:60]}."
        return ENDED, ending.ended(run, "failed", reason="repeated_call", message=message, before=events)
    shown = to_approve(run, now)
    if shown:
        waits, asked = approval.asked(run, number, "tools", shown, "May these tools run?")
        return "approval", Step(waits, [*events, asked])
    return "tools", Step(run, events)


def to_approve(run: Run, turn: Turn) -> list[dict[str, Any]]:
    """The calls of a turn that a person must allow, with exactly what they would be given."""
    return [
        {"call": call.id, "tool": call.name, "arguments": turn.arguments(place)}
        for place, call in enumerate(turn.calls[:MOST_CALLS])
        if call.name in run.terms.approvals and call.name in run.terms.tools
    ]


def _called(turn: Turn, place: int) -> Event:
    call, arguments = turn.calls[place], turn.arguments(place)
    shown = call.arguments[:1_000] if arguments is None else arguments
    return Event("tool_call", {"callId": call.id, "toolName": call.name, "toolInput": shown})


def _stopped(run: Run, number: int, reason: str, message: str, deadline: Deadline, charged: int = 0) -> dict[str, Any]:
    def decide(now: Run) -> Step:
        paid = replace(now, cost=now.cost + charged)
        return Step(paid) if now.over else ending.ended(paid, "failed", reason=reason, message=message)

    change.change(run.id, decide, deadline)
    return _goes_on(run, number, ENDED, 0)


def _goes_on(run: Run, number: int, outcome: str, calls: int) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "runId": run.id,
        "turn": number,
        "calls": [{"runId": run.id, "turn": number, "call": place} for place in range(min(calls, MOST_CALLS))],
        "next": {"runId": run.id, "turn": number + 1},
    }
