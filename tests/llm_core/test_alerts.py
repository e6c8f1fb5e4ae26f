"""A person is told once an episode; trouble in telling is nobody else's trouble."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import boto3
import pytest

from llm_core import alerts
from llm_core.aws import clients, expiring
from llm_core.errors import StoreUnavailable
from llm_core.settings import settings
from tests.conftest import Platform


@pytest.fixture
def inbox(inside: Platform) -> Iterator[Any]:
    """A subscriber of the alerts topic: what has arrived about a subject since."""
    sqs, name = boto3.client("sqs"), f"inbox-{uuid4().hex[:12]}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscribed = clients.sns().subscribe(
        TopicArn=settings().alerts_topic_arn, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
    )
    seen: list[dict[str, Any]] = []

    def arrived(subject: str) -> list[dict[str, Any]]:
        """An alert is published before the request that caused it is answered, so nobody waits here."""
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            seen.extend(json.loads(json.loads(message["Body"])["Message"]) for message in messages)
            for message in messages:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [alert for alert in seen if alert["subject"] == subject]

    yield arrived
    clients.sns().unsubscribe(SubscriptionArn=subscribed["SubscriptionArn"])
    sqs.delete_queue(QueueUrl=queue)


@pytest.fixture
def subject() -> str:
    return f"anthropic/model-{uuid4().hex[:12]}"


def lines(log: io.StringIO, event: str) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in log.getvalue().splitlines() if line.startswith("{")]
    return [line for line in told if line.get("event") == event]


def test_a_new_episode_is_told_with_its_facts(inbox: Any, subject: str, log: io.StringIO) -> None:
    assert alerts.raise_once("fallback", subject, answered_by="bedrock/model")

    (alert,) = inbox(subject)
    assert alert["kind"] == "fallback"
    assert alert["answered_by"] == "bedrock/model"
    assert alert["at"].endswith("+00:00")
    (line,) = lines(log, "alert")
    assert line["alert"] == alert


def test_an_episode_is_told_once_however_long_it_goes_on(inbox: Any, subject: str) -> None:
    told = [alerts.raise_once("fallback", subject) for _ in range(5)]
    assert told == [True, False, False, False, False]
    assert len(inbox(subject)) == 1


def test_sixteen_who_notice_at_once_tell_it_once(inbox: Any, subject: str) -> None:
    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(lambda _: alerts.raise_once("fallback", subject), range(16)))
    assert sum(told) == 1
    assert len(inbox(subject)) == 1


def test_other_kinds_and_other_subjects_are_other_episodes(inbox: Any, subject: str) -> None:
    assert alerts.raise_once("fallback", subject)
    assert alerts.raise_once("overrun", subject)
    assert alerts.raise_once("fallback", f"{subject}-2")
    assert {alert["kind"] for alert in inbox(subject)} == {"fallback", "overrun"}


def test_after_a_quiet_time_it_is_a_new_episode(inbox: Any, subject: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "EPISODE_SECONDS", 0)  # quiet at once
    assert alerts.raise_once("fallback", subject)
    assert alerts.raise_once("fallback", subject)
    assert len(inbox(subject)) == 2


def test_the_episode_ends_by_itself_in_the_table(inbox: Any, subject: str) -> None:
    alerts.raise_once("fallback", subject)
    key = {"name": {"S": f"episode#fallback#{subject}"}}
    item = clients.dynamodb().get_item(TableName=settings().health_table_name, Key=key)["Item"]
    assert set(item) == {"name", "ttl"}, "kept by DynamoDB until its ttl, and nothing of the request in it"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HEALTH_TABLE_NAME", "no-such-table"),
        ("HEALTH_TABLE_NAME", ""),
        ("ALERTS_TOPIC_ARN", "arn:aws:sns:us-east-1:000000000000:no-such-topic"),
        ("ALERTS_TOPIC_ARN", ""),
    ],
)
def test_trouble_in_telling_is_logged_and_never_reaches_the_request(
    inside: Platform, subject: str, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    settings.cache_clear()

    alerts.raise_once("fallback", subject)

    (line,) = lines(log, "alert_lost")
    assert line["level"] == "ERROR"


def test_an_alert_that_could_not_be_published_is_tried_again_by_the_next(
    inbox: Any, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = settings().alerts_topic_arn
    monkeypatch.setenv("ALERTS_TOPIC_ARN", f"{good}-gone")
    settings.cache_clear()
    alerts.raise_once("fallback", subject)
    monkeypatch.setenv("ALERTS_TOPIC_ARN", good)
    settings.cache_clear()

    alerts.raise_once("fallback", subject)

    assert len(inbox(subject)) == 1, "an episode nobody was told of is not over"


# ------------------------------------------------------------------------------------------- insisting
def insist(subject: str, episode: str = "80", *, lasts: int = 900) -> bool:
    return alerts.insist_once("budget", subject, episode=episode, lasts=lasts, lease=30, percent=80)


def test_who_insists_tells_each_episode_once(inbox: Any, subject: str) -> None:
    assert [insist(subject), insist(subject), insist(subject, "100")] == [True, False, True]
    first, _ = inbox(subject)
    assert (first["kind"], first["percent"]) == ("budget", 80)


def test_an_episode_is_remembered_for_as_long_as_it_lasts(inbox: Any, subject: str) -> None:
    insist(subject, lasts=40 * 86_400)
    key = {"name": {"S": f"episode#budget#{subject}#80"}}
    item = clients.dynamodb().get_item(TableName=settings().health_table_name, Key=key)["Item"]
    assert int(item["ttl"]["N"]) == pytest.approx(time.time() + 40 * 86_400, abs=5)


def test_who_insists_is_told_that_it_failed_and_may_come_back(
    inbox: Any, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = settings().alerts_topic_arn
    monkeypatch.setenv("ALERTS_TOPIC_ARN", f"{good}-gone")
    settings.cache_clear()
    with pytest.raises(StoreUnavailable):
        insist(subject)
    monkeypatch.setenv("ALERTS_TOPIC_ARN", good)
    settings.cache_clear()

    assert insist(subject)
    assert len(inbox(subject)) == 1


def test_who_insists_without_the_table_is_told_so(
    inside: Platform, subject: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEALTH_TABLE_NAME", "no-such-table")
    settings.cache_clear()
    with pytest.raises(StoreUnavailable):
        insist(subject)


def test_an_episode_that_can_neither_be_told_nor_forgotten_does_not_reach_the_request(
    inside: Platform, subject: str, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(*_: object, **__: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(expiring, "forget", no_more)
    monkeypatch.setenv("ALERTS_TOPIC_ARN", "arn:aws:sns:us-east-1:000000000000:no-such-topic")
    settings.cache_clear()
    assert alerts.raise_once("fallback", subject)
    assert lines(log, "alert_lost")


def test_an_email_is_in_words(inside: Platform, subject: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others read the alert as JSON. The emulator keeps no e-mail, so what it is given is read here."""
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(clients.sns(), "publish", lambda **given: sent.append(given))
    alerts.raise_once("fallback", f"{subject}-ü", answered_by="bedrock/model")

    (given,) = sent
    message = json.loads(given["Message"])
    assert given["MessageStructure"] == "json"
    assert json.loads(message["default"])["answered_by"] == "bedrock/model"
    assert message["email"].startswith(f"{subject}-ü is not answering\n")
    assert "What to do: " in message["email"]
    assert given["Subject"].isascii()
    assert len(given["Subject"]) < 100
