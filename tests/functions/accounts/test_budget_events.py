"""The stream's door: each threshold is told once, however often, late and mixed up its changes are delivered."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest
from boto3.dynamodb.types import TypeSerializer

from accounts import budget_events as door
from llm_core.accounts.window import Window
from llm_core.aws import clients
from llm_core.errors import StoreUnavailable
from llm_core.settings import settings
from tests.conftest import ROOT, Platform

USD = 10**9
_packed = TypeSerializer().serialize


class Context:
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 30_000


@pytest.fixture
def account() -> str:
    return f"user:{uuid4().hex[:12]}"


def window(account: str, cents: int, limit: int, label: str) -> dict[str, Any]:
    spent = cents * USD // 100
    return Window(account, label).item(limit) | {"spent": spent, "remaining": limit - spent}


def change(
    account: str, before: int, after: int, *, limit: int = 10, was: int | None = None, label: str = "2026-11"
) -> dict[str, Any]:
    """A record of the stream: cents spent before and after, limits in USD."""
    old, new = window(account, before, (was or limit) * USD, label), window(account, after, limit * USD, label)
    images = {
        name: {key: _packed(value) for key, value in item.items()}
        for name, item in (("OldImage", old), ("NewImage", new))
    }
    number = str(random.randrange(10**20))
    return {"eventName": "MODIFY", "dynamodb": {**images, "SequenceNumber": number}}


def deliver(*records: dict[str, Any]) -> dict[str, Any]:
    return door.handler({"Records": list(records)}, Context())


@pytest.fixture
def told(inside: Platform) -> Iterator[Any]:
    """Window, percent and limit of every alert that was published about an account."""
    sqs, name = boto3.client("sqs"), f"told-{uuid4().hex[:12]}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = settings().alerts_topic_arn
    mine = clients.sns().subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
    alerts: list[dict[str, Any]] = []

    def about(account: str) -> list[tuple[str, int, str]]:
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                alerts.append(json.loads(json.loads(message["Body"])["Message"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [(a["window"], a["percent"], a["limit_usd"]) for a in alerts if a["subject"] == account]

    yield about
    clients.sns().unsubscribe(SubscriptionArn=mine["SubscriptionArn"])
    sqs.delete_queue(QueueUrl=queue)


STEPS = [(0, 300), (300, 520), (520, 700), (700, 850), (850, 990), (990, 1000)]
ALL = [("2026-11", 50, "10"), ("2026-11", 80, "10"), ("2026-11", 100, "10")]


def test_each_threshold_is_told_once(told: Any, account: str) -> None:
    assert deliver(*[change(account, *step) for step in STEPS]) == {"batchItemFailures": []}
    assert told(account) == ALL


@pytest.mark.parametrize("seed", range(5))
def test_however_often_and_mixed_up_they_come(told: Any, account: str, seed: int) -> None:
    chance = random.Random(seed)
    records = [change(account, *step) for step in STEPS] * 3
    chance.shuffle(records)
    while records:
        many = chance.randint(1, 5)
        deliver(*records[:many])
        del records[:many]
    assert Counter(told(account)) == Counter(ALL)


def test_of_several_at_once_the_highest_is_told(told: Any, account: str) -> None:
    deliver(change(account, 100, 900))
    assert told(account) == [("2026-11", 80, "10")]


def test_other_windows_and_other_accounts_are_other_budgets(told: Any, account: str) -> None:
    deliver(
        change(account, 0, 600),
        change(account, 0, 600, label="2026-12"),
        change(account, 0, 600, label="2026-11-21"),
        change(f"{account}-2", 0, 600),
    )
    assert [window for window, *_ in told(account)] == ["2026-11", "2026-12", "2026-11-21"]
    assert len(told(f"{account}-2")) == 1


def test_a_raised_limit_is_told_anew_when_it_is_reached(told: Any, account: str) -> None:
    deliver(change(account, 700, 850))
    deliver(change(account, 850, 850, limit=20, was=10))  # which reaches nothing
    deliver(change(account, 850, 1100, limit=20), change(account, 1100, 1700, limit=20))
    assert told(account) == [("2026-11", 80, "10"), ("2026-11", 50, "20"), ("2026-11", 80, "20")]


def test_a_limit_that_goes_up_and_down_is_told_once_each(told: Any, account: str) -> None:
    deliver(change(account, 700, 850))
    for _ in range(3):
        deliver(change(account, 850, 850, limit=20, was=10), change(account, 850, 850, limit=10, was=20))
    assert told(account) == [("2026-11", 80, "10")]


def test_it_is_remembered_for_as_long_as_the_window_is(told: Any, account: str) -> None:
    deliver(change(account, 0, 600))
    name = {"name": {"S": f"episode#budget#{account}#2026-11#50#{10 * USD}"}}
    item = clients.dynamodb().get_item(TableName=settings().health_table_name, Key=name)["Item"]
    assert int(item["ttl"]["N"]) == pytest.approx(window(account, 0, 1, "2026-11")["ttl"], abs=60)


@pytest.mark.parametrize("variable", ["HEALTH_TABLE_NAME", "BUDGETS_TABLE_NAME"])
def test_trouble_is_raised_so_that_the_batch_comes_again(
    told: Any, account: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    good = getattr(settings(), variable.lower())
    batch = [change(account, *step) for step in STEPS]
    monkeypatch.setenv(variable, "no-such-table")
    settings.cache_clear()
    with pytest.raises(StoreUnavailable):
        deliver(*batch)
    monkeypatch.setenv(variable, good)
    settings.cache_clear()

    deliver(*batch)
    assert told(account) == ALL


def test_trouble_in_the_middle_of_a_batch_neither_loses_nor_repeats_anything(
    told: Any, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a topic that is gone after the first alert.
    good = settings().alerts_topic_arn
    deliver(change(account, *STEPS[1]))
    monkeypatch.setenv("ALERTS_TOPIC_ARN", f"{good}-gone")
    settings.cache_clear()
    batch = [change(account, *step) for step in STEPS]
    with pytest.raises(StoreUnavailable):
        deliver(*batch)

    # When it is back and the batch with it.
    monkeypatch.setenv("ALERTS_TOPIC_ARN", good)
    settings.cache_clear()
    deliver(*batch)
    deliver(*batch)

    assert told(account) == ALL


def test_an_item_that_nobody_can_read_is_reported_and_blocks_nothing(told: Any, account: str, log: io.StringIO) -> None:
    broken = change(account, 0, 600)
    del broken["dynamodb"]["NewImage"]["ttl"]
    answer = deliver(broken, change(account, 600, 850))
    assert answer == {"batchItemFailures": [{"itemIdentifier": broken["dynamodb"]["SequenceNumber"]}]}
    assert told(account) == [("2026-11", 80, "10")]
    assert '"event": "budget_event_unreadable"' in log.getvalue()


def test_what_was_removed_is_passed_over(inside: Platform, account: str) -> None:
    record = change(account, 0, 600)
    del record["dynamodb"]["NewImage"]
    assert deliver(record) == {"batchItemFailures": []}


def test_budget_alerts_can_be_switched_off(told: Any, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUDGET_ALERTS_ENABLED", "false")
    settings.cache_clear()
    assert deliver(*[change(account, *step) for step in STEPS]) == {"batchItemFailures": []}
    assert told(account) == []


def test_the_sample_event_tells_that_half_is_spent(told: Any) -> None:
    """Its account is in no table, so `make invoke` shows something wherever it runs."""
    clients.dynamodb().delete_item(
        TableName=settings().health_table_name,
        Key={"name": {"S": f"episode#budget#user:ada#2026-11#50#{10 * USD}"}},
    )
    event = json.loads((ROOT / "events/accounts/budget_events-half.json").read_text())
    door.handler(event, Context())
    assert told("user:ada") == [("2026-11", 50, "10")]
