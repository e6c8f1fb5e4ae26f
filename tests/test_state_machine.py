"""statemachine/agent.asl.json: what AWS asks of it and the local emulator does not, and what we promise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from agents.conversation import MOST_CALLS
from agents.turns import _goes_on
from llm_core.runs.run import WAITS, Run, Terms, new_id
from llm_core.runs.shapes import MOST_TASKS
from tests.estate import PARTITION, ROOT, Estate

MACHINE = json.loads((ROOT / "statemachine/agent.asl.json").read_text())
ESTATE = Estate({})
STATE_BYTES = 256 * 1024
"""The most that AWS passes from one state to the next."""


def all_states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those inside Maps too."""
    for name, state in machine["States"].items():
        yield name, state
        if state["Type"] == "Map":
            yield from all_states(state["ItemProcessor"])


STATES = dict(all_states(MACHINE))
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
MAPS = {name: state for name, state in STATES.items() if state["Type"] == "Map"}


def test_every_way_leads_to_a_state_and_every_state_is_reached() -> None:
    for machine in (MACHINE, *(state["ItemProcessor"] for state in MAPS.values())):
        states = machine["States"]
        reached = {machine["StartAt"]}
        for state in states.values():
            followers = [state.get("Next"), state.get("Default")]
            followers += [choice["Next"] for choice in state.get("Choices", [])]
            followers += [catch["Next"] for catch in state.get("Catch", [])]
            reached |= {name for name in followers if name}
            ends = state.get("End") or state["Type"] in ("Succeed", "Fail", "Choice")
            assert bool(state.get("Next")) != bool(ends)
        assert reached == set(states)


def test_no_more_runs_side_by_side_than_aws_runs_in_an_inline_map() -> None:
    """The emulator runs a hundred; AWS forty."""
    assert all(state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "INLINE" for state in MAPS.values())
    assert MAPS["Tools"]["MaxConcurrency"] == MOST_CALLS == 40
    assert MAPS["Tasks"]["MaxConcurrency"] == MOST_TASKS == 10


def test_time_outs_are_constant() -> None:
    """TimeoutSecondsPath is ignored by the emulator, and nobody could say how long a run may wait."""
    assert "TimeoutSecondsPath" not in json.dumps(MACHINE)
    assert all(isinstance(state["TimeoutSeconds"], int) for state in (MACHINE, *TASKS.values()))
    assert STATES["AwaitApproval"]["TimeoutSeconds"] == WAITS["tools"] == 5 * 60
    assert STATES["AwaitPublication"]["TimeoutSeconds"] == WAITS["publish"] == 7 * 24 * 3600


@pytest.mark.parametrize(
    ("state", "door"), [("Turn", "AgentsTurn"), ("Tool", "AgentsTool"), ("NobodyApproved", "AgentsState")]
)
def test_a_step_is_given_up_only_after_its_function_would_have_been(state: str, door: str) -> None:
    assert STATES[state]["TimeoutSeconds"] >= ESTATE.functions[door]["Timeout"] + 30


def test_it_is_written_in_jsonpath_without_variables() -> None:
    text = json.dumps(MACHINE)
    assert "QueryLanguage" not in text
    assert "Assign" not in text
    assert "{%" not in text


def test_what_passes_is_tried_again_and_what_does_not_pass_is_told() -> None:
    for name, state in TASKS.items():
        if name == "Task":
            continue  # an execution of its own, which tells how it ended
        assert "States.TaskFailed" in state["Retry"][0]["ErrorEquals"], name
        assert state["Retry"][0]["MaxAttempts"] >= 6
        assert state["Retry"][0]["JitterStrategy"] == "FULL"
    caught = {name for name, state in STATES.items() for catch in state.get("Catch", []) if catch["Next"] == "GiveUp"}
    assert caught == {
        "Turn",
        "Tools",
        "AwaitApproval",
        "NobodyApproved",
        "AwaitPublication",
        "NobodyPublished",
        "Gather",
    }


def test_the_state_holds_ids_and_little_of_them() -> None:
    """Forty calls and more, whatever they are about: far below what AWS passes on."""
    run = Run(new_id(), "u", "k", "research", Terms((), "tools", 10, 60), 0, 0)
    assert len(json.dumps(_goes_on(run, 9_999, "tools", 1_000))) < STATE_BYTES / 20


def test_nothing_is_named_that_the_template_does_not_hand_in() -> None:
    (machine,) = ESTATE.of_type("AWS::StepFunctions::StateMachine").values()
    assert machine["DefinitionSubstitutions"]["Partition"] == PARTITION
    handed = {"Partition", "Turn", "Tool", "State"}
    assert set(machine["DefinitionSubstitutions"]) >= handed
    text = (ROOT / "statemachine/agent.asl.json").read_text()
    assert {part.partition("}")[0] for part in text.split("${")[1:]} == handed
    assert "arn:aws" not in text


def test_it_is_traced_logged_and_waits_for_free() -> None:
    (machine,) = ESTATE.of_type("AWS::StepFunctions::StateMachine").values()
    assert machine["StateMachineType"] == "STANDARD"
    assert machine["TracingConfiguration"] == {"Enabled": True}
    logged = machine["LoggingConfiguration"]
    assert (logged["Level"], logged["IncludeExecutionData"]) == ("ERROR", False)
    group = ESTATE.resources["AgentLogGroup"]["Properties"]
    assert group["LogGroupName"].startswith("/aws/vendedlogs/")
