"""The short way to DynamoDB is boto3's in all but its cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from llm_core.aws import clients, dynamodb
from tests.conftest import Platform
from tests.faults.troubled_aws import Trouble, standing_before

KEY = {"userId": {"S": "user:nobody"}}


@pytest.fixture
def trouble(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trouble]:
    with standing_before(inside.environment["AWS_ENDPOINT_URL"]) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        clients._clients.clear()
        yield between
    clients._clients.clear()


def test_answers_and_refusals_are_those_of_boto3(inside: Platform) -> None:
    table, item = inside.environment["BUDGETS_TABLE_NAME"], {**KEY, "n": {"N": "7"}, "ways": {"SS": ["a"]}}
    new: dict[str, Any] = {
        "TableName": table,
        "Item": item,
        "ConditionExpression": "attribute_not_exists(userId)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    ways: list[Any] = [dynamodb.direct(), clients.dynamodb()]
    dynamodb.direct().put_item(**new)

    found = [way.get_item(TableName=table, Key=KEY, ConsistentRead=True)["Item"] for way in ways]
    missing = ["Item" in way.get_item(TableName=table, Key={"userId": {"S": "no one"}}) for way in ways]
    refused = []
    for way in ways:
        with pytest.raises(ClientError) as refusal:
            way.put_item(**new)
        refused.append((refusal.value.response["Error"], refusal.value.response.get("Item")))
    clients.dynamodb().delete_item(TableName=table, Key=KEY)

    assert found == [item, item]
    assert missing == [False, False]
    assert refused[0] == refused[1]
    assert refused[0][0]["Code"] == "ConditionalCheckFailedException"
    assert refused[0][1] == item


@pytest.mark.parametrize(
    ("fault", "sent"), [("reset", 3), ("broken", 3), ("throttled", 3), ("denied", 1), ("garbage", 3)]
)
def test_what_fails_on_the_way_raises_what_boto3_raises(
    inside: Platform, trouble: Trouble, fault: str, sent: int
) -> None:
    """And is sent again where that may help, as often as boto3 would; by `direct_once` never."""
    table = inside.environment["BUDGETS_TABLE_NAME"]
    assert dynamodb.direct_once().get_item(TableName=table, Key=KEY)["ResponseMetadata"]["HTTPStatusCode"] == 200
    for way, times in ((dynamodb.direct_once(), 1), (dynamodb.direct(), sent)):
        trouble.begin("DynamoDB", fault)
        with pytest.raises((BotoCoreError, ClientError)):
            way.get_item(TableName=table, Key=KEY)
        assert trouble.asked == times


@pytest.mark.parametrize("fault", ["reset", "silence", "denied"])
def test_what_fails_has_the_name_that_boto3_gives_it(inside: Platform, trouble: Trouble, fault: str) -> None:
    """An operator reads it in a log, and a caller in an answer: a time-out is not a lost connection."""
    trouble.begin("DynamoDB", fault)
    assert _raised(dynamodb.direct_once()) == _raised(clients.dynamodb_once())


def test_who_is_not_there_has_the_name_that_boto3_gives_it(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    clients._clients.clear()
    try:
        assert _raised(dynamodb.direct_once()) == _raised(clients.dynamodb_once())
    finally:
        clients._clients.clear()


def _raised(way: Any) -> type[Exception]:
    with pytest.raises((BotoCoreError, ClientError)) as failure:
        way.get_item(TableName="any", Key=KEY)
    return failure.type


class Renewed:
    """Credentials that are renewed at each look, as those of a role may be at any."""

    def __init__(self) -> None:
        self.looks = 0

    def get_frozen_credentials(self) -> Any:
        self.looks += 1
        return Credentials(f"AKIA{self.looks}", f"secret{self.looks}", f"token{self.looks}").get_frozen_credentials()


def test_credentials_that_are_renewed_meanwhile_are_taken_whole(inside: Platform) -> None:
    direct = dynamodb.Direct(clients.dynamodb(), 1)
    direct._credentials = Renewed()
    headers = direct._signed("GetItem", b"{}")
    assert ("AKIA1/" in headers["Authorization"], headers["X-Amz-Security-Token"]) == (True, "token1")


def test_who_has_no_credentials_is_told_so_as_by_boto3(inside: Platform) -> None:
    direct = dynamodb.Direct(clients.dynamodb(), 1)
    direct._credentials = None
    with pytest.raises(NoCredentialsError):
        direct.get_item(TableName="any", Key=KEY)
