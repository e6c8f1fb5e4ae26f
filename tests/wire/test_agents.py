"""Agents over HTTP, played by the emulator's state machine: they answer, are watched, stopped, allowed and bounded."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import uuid4

import boto3
import httpx2
import pytest

from agents.turns import SAME_CALLS
from llm_core.accounts.window import Window
from llm_core.aws import table
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.runs.run import Terms
from llm_core.runs.slots import MOST
from llm_core.runs.start import Order, event, written
from tests.conftest import Platform
from tests.functions.accounts.holder import NANO, someone
from tests.wire.agent_runs import Agents, call, observed, types

TOOLS = ["search", "summarize", "extract"]
RESEARCH: dict[str, Any] = {"type": "research", "input": {"topic": "Nests"}, "tools": TOOLS}


@pytest.fixture
def agents(understudy: Platform, inside: Platform) -> Agents:
    return Agents(someone(inside))


def rows(agents: Agents) -> list[dict[str, Any]]:
    """What the ledger has of this user."""
    name = agents.platform.environment["USAGE_TABLE_NAME"]
    return list(table.query(name, {"userId": agents.holder.user}, between=("timestamp", 0, 10**14)))


def cost(steps: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(str(step.get("cost", 0))) for step in steps if step["type"] != "done"), Decimal(0))


# ------------------------------------------------------------------------------------------------ as documented
def test_the_documented_call_ends_with_an_answer_and_what_each_step_cost(agents: Agents) -> None:
    run = agents.finished(**RESEARCH)
    assert run["status"] == "succeeded", run
    assert run["output"]["text"].startswith("Understudy")
    assert types(run) == ["think", *["tool_call"] * 3, *["observation"] * 3, "response", "done"]
    assert [step["seq"] for step in run["steps"]] == list(range(1, 10))
    assert {step["toolName"] for step in run["steps"] if step["type"] == "tool_call"} == set(RESEARCH["tools"])
    assert cost(run["steps"]) == Decimal(str(run["cost"])) > 0
    booked = rows(agents)
    assert sum(row["charged"] for row in booked) == int(Decimal(str(run["cost"])) * NANO)
    assert {row["metadata"]["run"] for row in booked} == {run["runId"]}
    assert run["usage"]["totalTokens"] == sum(step.get("tokens", 0) for step in run["steps"])


def test_it_is_the_state_machine_that_plays_it(agents: Agents) -> None:
    run = agents.finished(**RESEARCH)
    machine = agents.platform.environment["AGENT_MACHINE_ARN"]
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{run['runId']}"
    states = boto3.client("stepfunctions")
    until = time.monotonic() + 20
    while (told := states.describe_execution(executionArn=arn))["status"] == "RUNNING" and time.monotonic() < until:
        time.sleep(0.05)
    assert told["status"] == "SUCCEEDED"
    assert json.loads(told["input"]) == {"runId": run["runId"], "turn": 1}


def test_the_stream_tells_the_same_steps_and_goes_on_where_it_broke_off(agents: Agents) -> None:
    told = list(agents.watch({**RESEARCH, "role": agents.model}))
    run = agents.see(told[0]["runId"])
    expected = [
        {**{name: step[name] for name in ("type", "seq", "ts")}, "runId": run["runId"]} for step in run["steps"]
    ]
    assert [{name: value for name, value in each.items() if name != "data"} for each in told] == expected
    assert [each["data"] for each in told] == [
        {name: value for name, value in step.items() if name not in ("type", "seq", "ts")} for step in run["steps"]
    ]
    rest = list(agents.watch({"runId": run["runId"], "afterSeq": 4}))
    assert rest == told[4:]


def test_documents_are_read_and_the_answer_has_the_promised_form(agents: Agents) -> None:
    documents = [{"title": "Dreys", "text": "A drey is the nest of a squirrel. " * 3}, "Birds build nests, too."]
    run = agents.finished(type="document_analysis", input={"documents": documents})
    assert run["status"] == "succeeded", run
    assert set(run["output"]) >= {"text", "themes", "tags", "summary", "related"}
    searched = next(step for step in run["steps"] if step.get("toolName") == "search" and "toolOutput" in step)
    assert '"source": "input"' in searched["toolOutput"]


def test_runs_are_listed_newest_first_and_in_pages(agents: Agents) -> None:
    made = [agents.finished(tools=[])["runId"] for _ in range(3)]
    first = agents.holder.told("GET", "/v1/agents/runs?limit=2")
    assert [run["runId"] for run in first["data"]] == made[:0:-1]
    assert first["hasMore"]
    rest = agents.holder.told("GET", f"/v1/agents/runs?limit=2&before={first['before']}")
    assert ([run["runId"] for run in rest["data"]], rest["hasMore"]) == (made[:1], False)
    for query in ("limit=0", "limit=101", "limit=x", "limit=-1", "limit=1.5", "before=", f"before={'x' * 3_000}"):
        agents.holder.refused("GET", f"/v1/agents/runs?{query}", status=400)
    agents.holder.refused("GET", f"/v1/agents/runs/{'x' * 3_000}", status=404)


def test_a_run_is_begun_once_for_an_idempotency_key(agents: Agents) -> None:
    body = {"type": "research", "input": {"topic": "Nests"}, "tools": [], "role": agents.model}
    headers = {"authorization": f"Bearer {agents.holder.api_key}", "idempotency-key": agents.model}

    def ask(path: str, **changed: Any) -> httpx2.Response:
        return httpx2.post(f"{agents.platform.url}{path}", json=body | changed, headers=headers, timeout=60)

    first, second = ask("/v1/agents/run"), ask("/v1/agents/run")
    assert first.json()["runId"] == second.json()["runId"]
    assert [each.headers.get("x-drey-idempotent-replay") for each in (first, second)] == [None, "true"]
    assert ask("/v1/agents/run", tools=["search"]).status_code == 422
    headers["idempotency-key"] = f"{agents.model}-streamed"
    streams = [ask("/v1/agents/stream") for _ in range(2)]
    assert len({each.headers["x-drey-run-id"] for each in streams}) == 1
    assert streams[0].text == streams[1].text
    assert len(agents.holder.told("GET", "/v1/agents/runs")["data"]) == 2


def test_what_cannot_be_run_says_what_can_and_begins_nothing(agents: Agents) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"type": "nest_building"}, "research"),
        ({"tools": ["search", "launch"]}, "summarize"),
        ({"requireApproval": ["launch"]}, "summarize"),
        ({"input": {}}, "topic"),
        ({"input": {"topic": 3}}, "text"),
        ({"input": {"topic": "a", "documents": "b"}}, "documents"),
        ({"role": "no-such-model"}, "not known"),
        ({"budget": -1}, "USD"),
        ({"budget": "1"}, "USD"),
        ({"role": "embed"}, "conversation"),
        ({"input": {"topic": " \n"}}, "topic"),
        ({"input": {"topic": "a", "documents": [{"title": {}, "text": "b"}]}}, "documents"),
        ({"type": "blog_generation", "input": {"prompt": {"a": 1}}}, "prompt"),
        ({"tasks": []}, "tasks"),
        ({"tasks": [{"topic": "a"}]}, "input"),
        ({"tasks": [{"topic": "a"}] * 11}, "tasks"),
        ({"colour": "red"}, "colour"),
    ]
    for body, words in refused:
        asked = {"type": "research", "input": {"topic": "a"}} | body
        answer = agents.holder.ask("POST", "/v1/agents/run", asked)
        assert answer.status_code in (400, 404), answer.text
        assert words in answer.text
    assert agents.holder.told("GET", "/v1/agents/runs")["data"] == []


def test_the_tools_are_published_with_their_schemas(agents: Agents) -> None:
    told = agents.holder.told("GET", "/v1/tools")
    tools = {tool["name"]: tool for tool in told["data"]}
    assert set(tools) >= {"search", "summarize", "extract", "classify", "calculator"}
    assert "http_request" not in tools, "off until an operator names hosts"
    for tool in tools.values():
        assert tool["description"]
        assert tool["parameters"]["type"] == "object"
        assert all("description" in one for one in tool["parameters"]["properties"].values())
    assert {agent["type"] for agent in told["agents"]} >= {"research", "document_analysis"}


# ------------------------------------------------------------------------------------------------ a model that is wrong
def test_a_tool_that_does_not_exist_is_refused_and_the_run_goes_on(agents: Agents) -> None:
    agents.will(call("launch_rockets", count=9))
    run = agents.finished()
    ((is_error, words),) = observed(run)
    assert is_error
    assert "search" in words
    assert run["status"] == "succeeded"


def test_a_tool_that_the_run_may_not_have_does_not_run(agents: Agents) -> None:
    agents.will(call("summarize", text="All of it"))
    run = agents.finished(tools=["search"])
    assert [is_error for is_error, _ in observed(run)] == [True]
    assert {row["requestedModel"] for row in rows(agents)} == {agents.model}, "nobody else was asked"


MISFITS: list[Any] = ["{not json", "[1, 2]", '"text"', "", {"qwery": "x"}, {"query": 7}, {"limit": 99}]


@pytest.mark.parametrize("arguments", MISFITS)
def test_arguments_that_do_not_fit_are_told_to_the_model(agents: Agents, arguments: Any) -> None:
    agents.will({"tool_calls": [{"name": "search", "arguments": arguments}]})
    run = agents.finished(tools=["search"])
    assert [is_error for is_error, _ in observed(run)] == [True]
    assert run["status"] == "succeeded", run


ODD = [
    '{"query": "nests", "limit": 1.5}',
    '{"query": 1e300}',
    f'{{"query": {"9" * 400}}}',
    '{"query": NaN}',
    '{"query": "half a letter: \\ud83d"}',
    f'{{"query": {"[" * 60}{"]" * 60}}}',
    f'{{"query": {"[" * 900}{"]" * 900}}}',
]


def test_whatever_a_model_writes_its_turn_is_paid_once(agents: Agents) -> None:
    """Fractions, numbers without end, deep nesting, halves of letters: no table takes them as they are."""
    agents.will({"tool_calls": [{"name": "search", "arguments": odd} for odd in ODD]})
    run = agents.finished(tools=["search"])
    assert run["status"] == "succeeded", run
    assert sorted(is_error for is_error, _ in observed(run)) == sorted("letter" not in odd for odd in ODD)
    assert next(step["toolInput"] for step in run["steps"] if step["type"] == "tool_call") == json.loads(ODD[0])
    assert len(rows(agents)) == types(run).count("think") + 1


def test_a_model_that_asks_for_the_same_thing_again_and_again_is_stopped(agents: Agents) -> None:
    """The 2,847 dollar night: one empty result, asked for 891 times."""
    agents.platform.perform(call("search", query="nothing at all"), model=agents.model)
    run = agents.finished()
    assert (run["status"], run["reason"]) == ("failed", "repeated_call")
    assert types(run).count("think") == SAME_CALLS
    assert len(rows(agents)) == SAME_CALLS


def test_a_model_that_always_asks_for_something_else_is_stopped_too(agents: Agents) -> None:
    agents.will(*(call("calculator", expression=f"{n} + 1") for n in range(14)))
    run = agents.finished()
    assert (run["status"], run["reason"]) == ("failed", "turn_limit")
    assert types(run).count("think") == 10 == len(rows(agents))


def test_nothing_is_no_answer_and_is_not_asked_for_again(agents: Agents) -> None:
    agents.platform.perform({"text": ""}, model=agents.model)
    run = agents.finished()
    assert (run["status"], run["reason"], len(rows(agents))) == ("failed", "empty_answer", 1)


def test_an_answer_that_was_cut_is_not_passed_off_as_whole(agents: Agents) -> None:
    agents.platform.perform({"text": "word " * 200_000}, model=agents.model)
    run = agents.finished()
    assert (run["status"], run["reason"]) == ("failed", "cut_off")
    assert "output" not in run


def test_a_hundred_tools_at_once_are_forty(agents: Agents) -> None:
    agents.will({"tool_calls": [{"name": "calculator", "arguments": {"expression": f"{n} * 2"}} for n in range(100)]})
    run = agents.finished()
    assert run["status"] == "succeeded", run
    assert len(observed(run)) == types(run).count("tool_call") == 40


def test_an_answer_of_another_form_than_promised_is_a_failure(agents: Agents) -> None:
    agents.platform.perform({"text": "Here you are: nothing."}, model=agents.model)
    run = agents.finished(type="document_analysis", input={"text": "A drey is a nest."})
    assert (run["status"], run["reason"]) == ("failed", "malformed_answer")


# ------------------------------------------------------------------------------------------------ money
def test_five_cents_are_five_cents_however_the_model_loops(agents: Agents) -> None:
    waste = "squirrel " * 1_500
    agents.will(*(call("search", query=f"{waste} {n}") for n in range(20)))
    run = agents.finished(budget=0.05)
    assert run["status"] == "failed"
    assert run["reason"] in ("budget_exceeded", "cut_off"), run
    purse = Window(f"run:{run['runId']}", "total").read()
    assert purse is not None
    assert (purse["held"], purse["overrun"]) == (0, 0)
    assert 0 < purse["spent"] <= 0.05 * NANO
    assert sum(row["charged"] for row in rows(agents)) == purse["spent"] == round(run["cost"] * NANO)


def test_a_run_without_a_budget_has_its_keys(understudy: Platform, inside: Platform) -> None:
    poor = Agents(someone(inside, limits={"month": 0}))
    run = poor.finished()
    assert (run["status"], run["reason"], run["cost"]) == ("failed", "budget_exceeded", 0)
    error = next(step for step in run["steps"] if step["type"] == "error")
    assert f"key:{poor.holder.key_id}" in error["message"]


# ------------------------------------------------------------------------------------------------ people
def ask_a_person(agents: Agents) -> dict[str, Any]:
    agents.will(call("calculator", expression="6 * 7"))
    made = agents.run(requireApproval=["calculator"])
    return agents.until(made["runId"], "awaiting_approval")


def test_a_person_allows_exactly_what_was_shown(agents: Agents) -> None:
    run = ask_a_person(agents)
    asked = run["steps"][-1]
    assert (asked["type"], asked["seconds"]) == ("approval", 300)
    assert [(each["tool"], each["arguments"]) for each in asked["shown"]] == [("calculator", {"expression": "6 * 7"})]
    path = f"/v1/agents/runs/{run['runId']}/approve"
    agents.holder.refused("POST", path, {"hash": "0" * 64}, status=400)
    agents.holder.told("POST", path, {"hash": asked["hash"]})
    over = agents.until(run["runId"])
    assert (over["status"], observed(over)) == ("succeeded", [(False, "42")])
    agents.holder.refused("POST", path, status=400)


def test_what_a_person_refuses_does_not_run_and_the_model_is_told_why(agents: Agents) -> None:
    run = ask_a_person(agents)
    agents.holder.told("POST", f"/v1/agents/runs/{run['runId']}/reject", {"reason": "Not today."})
    ((is_error, words),) = observed(agents.until(run["runId"]))
    assert is_error
    assert "Not today." in words


@pytest.fixture
def impatient(inside: Platform) -> Iterator[str]:
    """The same state machine with seconds for people instead of minutes and days."""
    states = boto3.client("stepfunctions")
    ours = inside.environment["AGENT_MACHINE_ARN"]
    definition = json.loads(states.describe_state_machine(stateMachineArn=ours)["definition"])
    for name in ("AwaitApproval", "AwaitPublication"):
        definition["States"][name]["TimeoutSeconds"] = 1
    role = "arn:aws:iam::000000000000:role/any"
    name = f"impatient-{uuid4().hex[:8]}"
    made = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
    yield made["stateMachineArn"]
    states.delete_state_machine(stateMachineArn=made["stateMachineArn"])


@pytest.mark.parametrize("publishes", [False, True])
def test_silence_is_a_no(agents: Agents, impatient: str, publishes: bool) -> None:
    holder = agents.holder
    caller = Caller(holder.key_id, holder.user, frozenset({"agent:run"}))
    approvals = () if publishes else ("calculator",)
    terms = Terms(("calculator",), agents.model, 10, 60, approvals, publishes)
    agents.will({"text": "A post."} if publishes else call("calculator", expression="1 + 1"))
    made = written(caller, Order("research", {"topic": "a"}, terms), Deadline.after(10))
    boto3.client("stepfunctions").start_execution(
        stateMachineArn=impatient, name=made.id, input=json.dumps(event(made))
    )
    run = agents.until(made.id)
    if publishes:
        assert (run["status"], run["reason"]) == ("failed", "expired")
    else:
        ((is_error, words),) = observed(run)
        assert (run["status"], is_error) == ("succeeded", True)
        assert "in time" in words


def test_a_task_is_cancelled_while_it_waits_and_the_run_above_goes_on(agents: Agents) -> None:
    agents.platform.perform(call("calculator", expression="6 * 7"), model=agents.model, times=2)
    tasks = [{"topic": topic} for topic in ("dreys", "nests")]
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(agents.run, input={}, tasks=tasks, requireApproval=["calculator"])
        while len(found := agents.holder.told("GET", "/v1/agents/runs")["data"]) < 3:
            time.sleep(0.02)
        first, second = next(run["taskRunIds"] for run in found if "taskRunIds" in run)
        for each in (first, second):
            agents.until(each, "awaiting_approval")
        agents.holder.told("POST", f"/v1/agents/runs/{first}/cancel")
        agents.holder.told("POST", f"/v1/agents/runs/{second}/approve", {})
        over = asked.result(timeout=60)
    assert (over["status"], over["reason"]) == ("failed", "tasks_failed")
    assert [agents.see(each)["status"] for each in (first, second)] == ["cancelled", "succeeded"]


def test_a_run_is_cancelled_in_the_middle_of_a_turn_and_pays_for_that_turn(agents: Agents) -> None:
    agents.platform.order({"kind": "slow_headers", "seconds": 2}, model=agents.model, times=1)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(agents.run, **RESEARCH)
        while not (found := agents.holder.told("GET", "/v1/agents/runs")["data"]):
            time.sleep(0.02)
        run_id = found[0]["runId"]
        while not [each for each in agents.platform.asked(20) if agents.model in json.dumps(each)]:
            time.sleep(0.02)
        cancelled = agents.holder.told("POST", f"/v1/agents/runs/{run_id}/cancel")
        assert cancelled["status"] == "cancelled"
        assert asked.result(timeout=60)["status"] == "cancelled"
    until = time.monotonic() + 20
    while not rows(agents) and time.monotonic() < until:
        time.sleep(0.05)
    (row,) = rows(agents)
    while agents.see(run_id)["cost"] == 0 and time.monotonic() < until:
        time.sleep(0.05)
    run = agents.see(run_id)
    assert round(run["cost"] * NANO) == row["charged"] > 0
    assert types(run) == ["done"]
    again = agents.holder.told("POST", f"/v1/agents/runs/{run_id}/cancel")
    assert again["status"] == "cancelled"


# ------------------------------------------------------------------------------------------------ many
def test_fifteen_at_once_finish_and_the_sixteenth_comes_later(agents: Agents) -> None:
    agents.platform.order({"kind": "slow_headers", "seconds": 3}, model=agents.model)
    with ThreadPoolExecutor(MOST) as pool:
        asked = [pool.submit(agents.run, tools=[]) for _ in range(MOST)]
        while len(agents.holder.told("GET", "/v1/agents/runs?limit=100")["data"]) < MOST:
            time.sleep(0.05)
        refused = agents.holder.ask("POST", "/v1/agents/run", {"type": "research", "input": {"topic": "a"}})
        made = [each.result(timeout=60) for each in asked]
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_runs")
    assert int(refused.headers["retry-after"]) >= 1
    assert [agents.until(run["runId"])["status"] for run in made] == ["succeeded"] * MOST
    agents.platform.free()
    assert agents.finished(tools=[])["status"] == "succeeded"


def test_tasks_are_worked_at_side_by_side_and_told_together(agents: Agents) -> None:
    agents.platform.order({"kind": "slow_headers", "seconds": 1}, model=agents.model)
    tasks = [{"topic": topic} for topic in ("dreys", "nests", "setts")]
    run = agents.finished(input={}, tasks=tasks, tools=[], budget=1)
    assert run["status"] == "succeeded", run
    assert len(run["output"]["tasks"]) == 3
    below = [agents.see(child) for child in run["taskRunIds"]]
    assert [each["status"] for each in below] == ["succeeded"] * 3
    assert {each["parentRunId"] for each in below} == {run["runId"]}
    assert round(run["cost"] * NANO) == sum(round(each["cost"] * NANO) for each in below) > 0
    purse = Window(f"run:{run['runId']}", "total").read()
    assert purse is not None
    assert purse["spent"] == round(run["cost"] * NANO)
