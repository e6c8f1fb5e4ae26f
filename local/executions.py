"""State machines in the traces of this machine: X-Ray gets their segments from Step Functions, and here from nobody.

They are made from what the emulator tells of an execution, whose name is annotated where it was started.
"""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from local.emulator import client
from local.traces import Span, Trace, moved

_ENTERED, _EXITED = "StateEntered", "StateExited"


def complete(traces: list[Trace], emulator: str) -> list[Trace]:
    """The same, with a span for each execution and each of its states, and each step below the state that took it."""
    states = client("stepfunctions", emulator)
    machines = [each["stateMachineArn"] for each in states.list_state_machines()["stateMachines"]]
    return [_whole(trace, states, machines) for trace in traces]


def _whole(trace: Trace, states: Any, machines: list[str]) -> Trace:
    for started in [span for span in trace.spans if "execution" in span.annotations]:
        name = str(started.annotations["execution"])
        for machine in machines:
            arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
            try:
                told = states.describe_execution(executionArn=arn)
                events = states.get_execution_history(executionArn=arn)["events"]
            except ClientError:  # another machine's, or forgotten
                continue
            trace = _added(trace, started, name, told, events)
    return trace


def _added(trace: Trace, started: Span, name: str, told: Any, events: Any) -> Trace:
    ended = told.get("stopDate") or events[-1]["timestamp"]
    whole = _span(name, started.id, "execution", told["startDate"], ended)
    spans = list(_states(whole.id, events))
    steps = [span for span in trace.spans if span.door and span.parent == started.id]
    parents = {step.id: next((s.id for s in spans if s.began <= step.began <= s.ended), whole.id) for step in steps}
    return moved(trace, parents, [whole, *spans])


def _states(execution: str, events: Any) -> Iterator[Span]:
    """One span for each state that was entered and left."""
    entered: dict[str, Any] = {}
    for event in events:
        if event["type"].endswith(_ENTERED):
            entered[event["stateEnteredEventDetails"]["name"]] = event
        elif event["type"].endswith(_EXITED):
            name = event["stateExitedEventDetails"]["name"]
            if (begun := entered.pop(name, None)) and begun["timestamp"] < event["timestamp"]:
                yield _span(
                    f"{execution}#{event['id']}", execution, f"state {name}", begun["timestamp"], event["timestamp"]
                )


def _span(id: str, parent: str, name: str, began: Any, ended: Any) -> Span:
    return Span(id, parent, name, began.timestamp(), ended.timestamp(), door=False, annotations={}, failed=False)
