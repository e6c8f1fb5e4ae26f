"""Alerts reach people: from a request, or a budget's stream, through the topic to real webhooks, each once."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import boto3
import pytest

from llm_core import keys
from llm_core.accounts import opening, tree
from llm_core.accounts.tree import Account
from llm_core.aws import clients
from llm_core.aws.writes import together
from llm_core.deadline import Deadline
from llm_core.keys import Terms
from local.project import Project
from tests.conftest import ROOT, Platform, fresh
from tests.webhook import Webhook

STACK = Project().stack_name("local")

USD = 10**9
PROMPT = "canary-prompt-91be77"


def ask(platform: Platform, model: str) -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": PROMPT}]}
    headers = {"authorization": f"Bearer {platform.key}"}
    answer = platform.http.post(f"{platform.url}/v1/chat/completions", json=body, headers=headers)
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


@pytest.fixture
def quiet(discord: Webhook, slack: Webhook) -> Any:
    """The messages in both chats about something, once `many` are there and none has come for two seconds more."""

    def wait(about: str, many: int = 1) -> tuple[list[str], list[str]]:
        discord.wait(about, many=many)
        slack.wait(about, many=many)
        time.sleep(2)  # a second message would be an error, and the only sign of it is that it comes
        return [post.text for post in discord.taken(about)], [post.text for post in slack.taken(about)]

    return wait


def test_a_fallback_is_told_once_in_each_chat(understudy: Platform, quiet: Any, slack: Webhook) -> None:
    # Given a provider that is down, and a model that Bedrock has too.
    model = fresh("claude")
    understudy.order({"kind": "status", "code": 529}, provider="anthropic", model=model)

    # When three requests fall back.
    answers = [ask(understudy, model) for _ in range(3)]
    assert {answer["model"] for answer in answers} == {f"global.anthropic.{model}"}

    # Then each chat has one message, in words, without prompt or key.
    in_discord, in_slack = quiet(f"anthropic/{model}")
    assert len(in_discord) == len(in_slack) == 1
    for message in (*in_discord, *in_slack):
        assert f"anthropic/{model} is not answering" in message
        assert f"answered by bedrock/global.anthropic.{model} instead" in message
        assert PROMPT not in message
        assert understudy.key[20:] not in message
    assert slack.url not in understudy.logs.read_text(), "who has the address can write there"
    (post,) = slack.taken(f"anthropic/{model}")
    assert [block["type"] for block in post.body["blocks"]] == ["header", "section", "section", "section", "context"]


def test_a_fallback_answers_although_no_chat_can_be_reached(
    understudy: Platform, discord: Webhook, slack: Webhook
) -> None:
    model = fresh("claude")
    understudy.order({"kind": "status", "code": 529}, provider="anthropic", model=model)
    discord.order("hang", about=f"anthropic/{model}", times=9)
    slack.order("reset", about=f"anthropic/{model}", times=9)

    began = time.monotonic()
    assert ask(understudy, model)["model"] == f"global.anthropic.{model}"

    assert time.monotonic() - began < 4, "nobody waits for a chat"


# ------------------------------------------------------------------------------------------- alarms
def test_an_alarm_is_told_once_an_episode(inside: Platform, quiet: Any) -> None:
    """Through CloudWatch, the topic, the door and the chats: the template's own alarm, the stage's own metric."""
    cloudwatch = boto3.client("cloudwatch")
    name = f"{STACK}-fallbacks"

    def publish() -> None:
        measured = {"MetricName": "Fallbacks", "Value": 1, "Unit": "Count", "Timestamp": datetime.now(UTC)}
        measured["Dimensions"] = [{"Name": "service", "Value": "drey"}, {"Name": "stage", "Value": "local"}]
        cloudwatch.put_metric_data(Namespace="Drey", MetricData=[measured])

    # When requests fall back again and again, and the alarm goes and comes.
    for _ in range(3):
        publish()
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        assert alarm["StateValue"] == "ALARM"
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="by hand")
    publish()

    # Then each chat has one message, which says where to look.
    in_discord, in_slack = quiet(name)
    assert (len(in_discord), len(in_slack)) == (1, 1)
    assert told(in_slack) == [f"Alarm: {name}"]
    assert "for a quarter of an hour" in in_slack[0]
    assert "docs/operations.md" in in_slack[0]


# ------------------------------------------------------------------------------------------- chats in trouble
@pytest.fixture
def lambda_invokes(inside: Platform) -> Any:
    """Hand an alert to the door as Lambda does for SNS: asynchronously, with retries (seconds apart here, not minutes).

    The emulator's SNS itself invokes once; its Lambda repeats as AWS's does.
    """
    stack = boto3.client("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId="OperationsAlert")
    function = stack["StackResourceDetail"]["PhysicalResourceId"]

    def invoke(subject: str) -> None:
        event = json.loads((ROOT / "events/operations/alert-fallback.json").read_text())
        alert = {"kind": "fallback", "subject": subject, "answered_by": "bedrock/b"}
        event["Records"][0]["Sns"] |= {"MessageId": str(uuid4()), "Message": json.dumps(alert)}
        boto3.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event))

    return invoke


def test_a_chat_that_comes_back_is_told_once_and_the_other_is_not_told_again(
    discord: Webhook, quiet: Any, lambda_invokes: Any
) -> None:
    subject = f"anthropic/{uuid4().hex[:12]}"
    discord.order(500, 503, "reset", 500, about=subject)
    lambda_invokes(subject)

    in_discord, in_slack = quiet(subject)

    assert len(discord.asked(subject)) == 5, "three tries at first, two when Lambda came back"
    assert (len(in_discord), len(in_slack)) == (1, 1)


def test_an_alert_that_no_retry_delivers_is_kept(
    inside: Platform, discord: Webhook, slack: Webhook, lambda_invokes: Any
) -> None:
    sqs = boto3.client("sqs")
    found = boto3.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    queue = next(output["OutputValue"] for output in found if output["OutputKey"] == "UndeliveredQueueUrl")
    subject = f"anthropic/{uuid4().hex[:12]}"
    discord.order(500, about=subject, times=9)
    lambda_invokes(subject)

    kept: list[str] = []
    until = time.monotonic() + 40
    while not any(subject in body for body in kept) and time.monotonic() < until:
        messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", [])
        kept += [message["Body"] for message in messages]

    assert any(subject in body for body in kept)
    assert len(discord.asked(subject)) == 9
    assert not discord.taken(subject)
    assert len(slack.taken(subject)) == 1, "the other chat was told at the first time, and not again"


# ------------------------------------------------------------------------------------------- budgets
@pytest.fixture
def account(inside: Platform) -> str:
    """An account with 10 USD a month, whose window is open; nothing is spent."""
    name = f"user:{uuid4().hex[:12]}"
    together(tree.opening(Account(name, limits={"month": 10 * USD})), Deadline.after(10))
    opening.begin(name, "2026-11", Deadline.after(10))
    return name


def spend(platform: Platform, account: str, cents: int) -> None:
    """As a hold and its settle change the window."""
    for change in (
        "SET #remaining = #remaining - :amount, #held = #held + :amount",
        "SET #held = #held - :amount, #spent = #spent + :amount",
    ):
        names = {f"#{name}": name for name in ("remaining", "held", "spent") if f"#{name}" in change}
        clients.dynamodb().update_item(
            TableName=platform.environment["BUDGETS_TABLE_NAME"],
            Key={"userId": {"S": f"{account}#2026-11#0"}},
            UpdateExpression=change,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={":amount": {"N": str(cents * USD // 100)}},
        )


def told(messages: list[str]) -> list[str]:
    """The headings of Slack messages, oldest first."""
    return [json.loads(message)["blocks"][0]["text"]["text"] for message in messages]


def test_a_budget_is_told_at_50_80_and_100_percent(inside: Platform, account: str, quiet: Any) -> None:
    # When it is spent step by step: 30, 45, 52, 70, 85, 97, 100 percent.
    for cents in (300, 150, 70, 180, 150, 120, 30):
        spend(inside, account, cents)

    # Then each threshold is told once in each chat.
    in_discord, in_slack = quiet(account, many=3)
    assert sorted(told(in_slack)) == sorted(
        [
            f"{account} has spent 50 % of its budget for 2026-11",
            f"{account} has spent 80 % of its budget for 2026-11",
            f"{account} has used up its budget for 2026-11",
        ]
    )
    assert len(in_discord) == 3
    assert "5.2 of 10 USD are spent" in "".join(in_slack)


def test_of_thresholds_that_are_reached_at_once_the_highest_is_told(inside: Platform, account: str, quiet: Any) -> None:
    spend(inside, account, 930)

    _, in_slack = quiet(account)
    assert told(in_slack) == [f"{account} has spent 80 % of its budget for 2026-11"]


def test_calls_that_spend_a_keys_budget_are_told(understudy: Platform, inside: Platform, quiet: Any) -> None:
    # Given a key whose budget is three and a half calls, as the ledger keeps it.
    model = fresh("alone")
    understudy.perform({"text": "word " * 2_000}, model=model)
    asked = {"model": model, "max_tokens": 1_000, "messages": [{"role": "user", "content": "Go on."}]}
    url = f"{understudy.url}/v1/chat/completions"
    first = understudy.http.post(url, json=asked, headers={"authorization": f"Bearer {understudy.key}"}).json()
    limit = int(first["usage"]["cost"] * USD * 3.5)
    made = keys.create("spender", user_id=uuid4().hex[:12], terms=Terms({"ai:complete"}, limits={"month": limit}))

    # When three are made ...
    for _ in range(3):
        answer = understudy.http.post(url, json=asked, headers={"authorization": f"Bearer {made.api_key}"})
        assert answer.status_code == 200, answer.text

    # ... and a fourth is refused, because a seventh is left ...
    for _ in range(2):
        answer = understudy.http.post(url, json=asked, headers={"authorization": f"Bearer {made.api_key}"})
        assert answer.status_code == 402, answer.text

    # ... then half and most of it are spent, it is used up, and nobody is shown more than the key's public id.
    month = datetime.now(UTC).strftime("%Y-%m")
    _, in_slack = quiet(made.key_id, many=3)
    assert sorted(told(in_slack)) == [
        *(f"key:{made.key_id} has spent {percent} % of its budget for {month}" for percent in (50, 80)),
        f"key:{made.key_id} has used up its budget for {month}",
    ]
    assert made.api_key[20:] not in "".join(in_slack)
