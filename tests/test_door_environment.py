"""Each door works with the variables that its own function is given, and with no other's.

Locally all doors share one process and one environment, which would hide a variable that only another function has.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.project import Project
from tests.conftest import ROOT, Platform, fresh
from tests.estate import Estate
from tests.test_permissions import permitted

TEMPLATE = Estate({}).source
AS_HERE = Estate({"DiscordWebhookName": "chat/discord", "SlackWebhookName": "chat/slack"})
STACK = Project().stack_name("local")
PLACEHOLDER_KEY = "sk-proj-" + "0" * 12 + "A" * 43
PLACEHOLDER_CLIENT = "0" * 26

AWS = ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
"""What Lambda itself gives every function; the endpoint stands for AWS being there."""


@dataclass(frozen=True)
class Invoked:
    """`status` is None when the door failed, 200 when one without routes did not. `calls`: what it asked of AWS."""

    status: int | None
    body: str
    logs: str
    calls: tuple[dict[str, Any], ...] = ()


def variables(platform: Platform, door: str) -> dict[str, str]:
    """What the deployed function has, as Lambda tells it."""
    stack = boto3.client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId=door)
    name = stack["StackResourceDetail"]["PhysicalResourceId"]
    told = boto3.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    return {name: value for name, value in told.items() if not name.startswith("MINISTACK_")}


def invoke(
    platform: Platform, door: str, case: str, folder: Path, environment: dict[str, str], **fields: Any
) -> Invoked:
    """The door in a process of its own that has only this environment."""
    subject = TEMPLATE.doors[door].path.partition("/")[0]
    text = (ROOT / f"events/{subject}/{case}.json").read_text().replace(PLACEHOLDER_KEY, platform.key)
    text = text.replace(PLACEHOLDER_CLIENT, platform.outputs["UserPoolClientId"])
    text = text.replace(f'"keyId": "{PLACEHOLDER_KEY[:20]}', f'"keyId": "{platform.key[:20]}')
    event = json.loads(text)
    if fields:
        event["body"] = json.dumps(json.loads(event["body"]) | fields)
    file = folder / "event.json"
    file.write_text(json.dumps(event))
    script = str(ROOT / "tests/wire/one_invocation.py")
    done = subprocess.run(
        [sys.executable, script, TEMPLATE.doors[door].module, str(file)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**environment, "PYTHONPATH": os.pathsep.join(str(ROOT / p) for p in ("layers/llm_core", "functions"))},
        timeout=60,
        check=False,
    )
    if done.returncode:
        return Invoked(None, "", done.stdout + done.stderr)
    rest, _, answer = done.stdout.rpartition("ANSWER ")
    logs, _, calls = rest.rpartition("CALLS ")
    told, asked = json.loads(answer), tuple(json.loads(calls))
    if not TEMPLATE.doors[door].routes:
        return Invoked(200, answer, logs + done.stderr, asked)
    return Invoked(told["statusCode"], told["body"], logs + done.stderr, asked)


@pytest.fixture
def aws(inside: Platform) -> dict[str, str]:
    basics = {name: os.environ[name] for name in AWS if name in os.environ}
    return basics | {"POWERTOOLS_TRACE_DISABLED": "true"}  # there is no X-Ray daemon here


REPRESENTATIVE = [
    ("GatewayChat", "chat-hello"),
    ("GatewayChat", "chat-messages"),
    ("GatewayChat", "chat-count_tokens"),
    ("GatewayEmbeddings", "embeddings-hello"),
    ("GatewayModels", "models-list"),
    ("GatewayModels", "models-health"),
    ("AccountsKeys", "keys-list"),
    ("AccountsBudget", "budget-mine"),
    ("AccountsAdmin", "admin-budgets"),
    ("AgentsRuns", "runs-tools"),
    ("AgentsRuns", "runs-research"),
    ("AgentsStream", "stream-research"),
    ("AgentsTurn", "turn-first"),
    ("AgentsTool", "tool-first"),
    ("AgentsState", "state-wait"),
    ("AgentsSearch", "search-dreys"),
    ("AgentsSummarize", "summarize-drey"),
    ("AgentsExtract", "extract-drey"),
    ("AgentsClassify", "classify-drey"),
    ("LiveTicket", "ticket-make"),
    ("LiveConnect", "connect-no_ticket"),
    ("LiveDisconnect", "disconnect-left"),
    ("LiveMessage", "message-ping"),
    ("LiveComplete", "complete-unwanted"),
    ("LiveWatch", "watch-nobody"),
    ("AccountsSweep", "sweep-minute"),
    ("AccountsUsage", "usage-month"),
    ("AccountsUsage", "usage-generation_unknown"),
    ("AccountsCancel", "cancel-unknown"),
    ("AccountsRollUp", "roll_up-row"),
    ("AccountsBudgetEvents", "budget_events-half"),
    ("OperationsAlert", "alert-fallback"),
    ("OperationsDrift", "drift-week"),
    ("OperationsDashboard", "dashboard-live"),
    ("OperationsDashboard", "dashboard-health"),
    ("DemoAnswer", "answer-complete"),
    ("ContentRead", "read-list"),
    ("ContentWrite", "write-drafts"),
    ("ContentAgent", "agent-status_unknown"),
    ("ContentPublish", "publish-moment"),
    ("ContentSweep", "sweep-day"),
    ("OperationsPrices", "prices-day"),
    ("SayingsBuildCache", "build_cache-empty"),
    ("SayingsGetSaying", "get_saying-first"),
    ("SayingsProcessFeedback", "process_feedback-up"),
    ("SayingsStats", "stats-all"),
]


def test_every_door_is_here() -> None:
    assert {door for door, _ in REPRESENTATIVE} == set(TEMPLATE.doors)


@pytest.mark.parametrize(("door", "case"), REPRESENTATIVE)
def test_a_door_answers_with_what_its_own_function_is_given(
    understudy: Platform, aws: dict[str, str], tmp_path: Path, door: str, case: str
) -> None:
    answer = invoke(understudy, door, case, tmp_path, aws | variables(understudy, door))
    assert answer.status == (404 if case.endswith("unknown") else 200), answer.body + answer.logs
    assert "Misconfigured" not in answer.logs
    assert '"level": "ERROR"' not in answer.logs
    refused = [call for call in answer.calls if not permitted(AS_HERE, door, call)]
    assert not refused, "IAM would not let it"


def test_a_fallback_and_its_alert_work_with_what_the_door_is_given(
    understudy: Platform, aws: dict[str, str], tmp_path: Path
) -> None:
    """The longest way through the house: breaker, Bedrock, health table, alerts topic."""
    model = fresh("claude")
    understudy.order({"kind": "status", "code": 529, "retry_after": 30}, provider="anthropic", model=model)
    own = aws | variables(understudy, "GatewayChat")
    answer = invoke(understudy, "GatewayChat", "chat-hello", tmp_path, own, model=model)
    assert (answer.status, json.loads(answer.body)["model"]) == (200, f"global.anthropic.{model}")
    assert '"event": "alert"' in answer.logs
    assert "alert_lost" not in answer.logs


MISSED = [("GatewayChat", "chat-hello", name) for name in ("USAGE_TABLE_NAME", "HEALTH_TABLE_NAME", "KEYS_TABLE_NAME")]
MISSED += [("GatewayEmbeddings", "embeddings-hello", name) for name in ("USAGE_TABLE_NAME", "OPENAI_API_KEY_REF")]
MISSED += [("GatewayModels", "models-list", "KEYS_TABLE_NAME")]
MISSED += [("AccountsUsage", "usage-month", "ROLL_UPS_TABLE_NAME")]
MISSED += [("AccountsUsage", "usage-generation_unknown", "USAGE_TABLE_NAME")]
MISSED += [("AccountsKeys", "keys-create", name) for name in ("BUDGETS_TABLE_NAME", "AUDIT_TABLE_NAME")]
MISSED += [("AccountsAdmin", "admin-usage", name) for name in ("AUDIT_TABLE_NAME", "ROLL_UPS_TABLE_NAME")]
MISSED += [("OperationsDashboard", "dashboard-live", "RUNS_TABLE_NAME")]
MISSED += [("AgentsRuns", "runs-research", name) for name in ("RUNS_TABLE_NAME", "AGENT_MACHINE_ARN")]
MISSED += [("AccountsBudget", "budget-mine", "BUDGETS_TABLE_NAME")]
MISSED += [
    ("SayingsProcessFeedback", "process_feedback-up", f"{name}_TABLE_NAME")
    for name in ("MAIN_HUMOR", "SAYING_FEEDBACK", "SAYING_SUMS")
]
MISSED += [("DemoAnswer", "answer-complete", name) for name in ("BUDGETS_TABLE_NAME", "HEALTH_TABLE_NAME")]
MISSED += [("ContentRead", "read-list", "CONTENT_TABLE_NAME"), ("ContentRead", "read-rss", "SITE_URL")]
MISSED += [("ContentAgent", "agent-generate", name) for name in ("AGENT_MACHINE_ARN", "RUNS_TABLE_NAME")]
MISSED += [("ContentWrite", "write-drafts", name) for name in ("CONTENT_TABLE_NAME", "USER_POOL_CLIENT_ID")]


@pytest.mark.parametrize(("door", "case", "name"), MISSED)
def test_one_variable_less_would_be_noticed(
    understudy: Platform, aws: dict[str, str], tmp_path: Path, door: str, case: str, name: str
) -> None:
    """So that the tests above prove something: an operator reads in the log what is missing, a caller does not."""
    own = aws | variables(understudy, door)
    del own[name]
    answer = invoke(understudy, door, case, tmp_path, own)
    assert answer.status == 500
    assert "misconfigured" in answer.body
    assert name not in answer.body
    assert (name in answer.logs) or ("No secret is named" in answer.logs)


MISSED += [("LiveTicket", "ticket-make", name) for name in ("LIVE_TABLE_NAME", "LIVE_ENDPOINT")]

MISSED_BY_NOBODY = [
    ("AccountsBudgetEvents", "budget_events-half", "BUDGETS_TABLE_NAME"),
    ("OperationsAlert", "alert-budget", "HEALTH_TABLE_NAME"),
]


@pytest.mark.parametrize(("door", "case", "name"), MISSED_BY_NOBODY)
def test_a_door_without_a_caller_fails_and_says_what_is_missing(
    understudy: Platform, aws: dict[str, str], tmp_path: Path, door: str, case: str, name: str
) -> None:
    own = aws | variables(understudy, door)
    del own[name]
    answer = invoke(understudy, door, case, tmp_path, own)
    assert answer.status is None, "so that it is invoked again"
    assert name in answer.logs


LOADED = """
import json, os, sys
import anthropic, boto3, openai  # what takes its time, once for all
for door in sys.argv[1:]:
    if not os.fork():
        __import__(door, fromlist=["door"])
        files = [module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)]
        print(json.dumps({"door": door, "files": files}), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, door
"""


def test_whatever_a_room_needs_is_declared_for_every_door_that_reaches_it() -> None:
    """Read off the code: `need("...")` below each door's imports, against that function's own variables."""
    estate = Estate({})
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *{door.module for door in TEMPLATE.doors.values()}],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": f"{ROOT / 'layers/llm_core'}:{ROOT / 'functions'}", "POWERTOOLS_TRACE_DISABLED": "true"},
    )
    loaded = {told["door"]: told["files"] for told in map(json.loads, done.stdout.splitlines())}
    houses = (str(ROOT / "layers"), str(ROOT / "functions"))
    for name, door in TEMPLATE.doors.items():
        given = set(estate.functions[name]["Environment"]["Variables"])
        needed = {
            setting.upper()
            for file in map(Path, loaded[door.module])
            if str(file).startswith(houses) and _is_used(door.path, file)
            for setting in re.findall(r'need\("(\w+)"\)', file.read_text())
        }
        assert needed <= given, f"{name} may need {sorted(needed - given)}, which its function is not given"


def _is_used(door: str, file: Path) -> bool:
    """The models door imports the top floor for its words only; it asks and books nothing. Who calls the demos has no
    key that a provider's could be kept with, and no answer of theirs is kept."""
    asks = {"ledger", "attempt", "alerts", "breaker", "gateway", "overruns", "payment", "cache", "byok", "idempotency"}
    asks |= {path.stem for path in (ROOT / "layers/llm_core/llm_core/accounts").glob("*.py")}
    unused = {"gateway/models": asks, "demo/answer": {"byok", "cache"}}
    return file.stem not in unused.get(door, set())
