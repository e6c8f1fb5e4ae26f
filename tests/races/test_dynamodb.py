"""The stand-in for DynamoDB: boto3 against the real emulator through it, refused and failed as AWS would."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from local.emulator import client
from tests.conftest import Platform
from tests.races.conftest import Strict

ADD_ONE = {"UpdateExpression": "ADD #n :one", "ExpressionAttributeNames": {"#n": "n"}}
ONE = {":one": {"N": "1"}}


class Table:
    """A table of these tests' own, through the stand-in."""

    def __init__(self, strict: Strict, name: str) -> None:
        self.strict, self.name, self.client = strict, name, strict.client()

    def key(self, name: str) -> dict[str, Any]:
        return {"id": {"S": name}}

    def add(self, name: str, client: Any = None) -> Any:
        """Count one on an item."""
        return (client or self.client).update_item(TableName=self.name, **self.step(name))

    def step(self, name: str) -> dict[str, Any]:
        return {"Key": self.key(name), "ExpressionAttributeValues": ONE, **ADD_ONE}

    def transact(self, *names: str, token: str | None = None, client: Any = None) -> Any:
        """Count one on several items."""
        steps = [{"Update": {"TableName": self.name, **self.step(name)}} for name in names]
        token = token or uuid4().hex
        return (client or self.client).transact_write_items(TransactItems=steps, ClientRequestToken=token)

    def count(self, name: str) -> int:
        found = self.strict.client(4).get_item(TableName=self.name, Key=self.key(name), ConsistentRead=True)
        return int(found["Item"]["n"]["N"]) if "Item" in found else 0


@pytest.fixture(scope="module")
def made(platform: Platform) -> str:
    name = f"strict-{uuid4().hex}"
    client("dynamodb", platform.environment["AWS_ENDPOINT_URL"]).create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    return name


@pytest.fixture
def table(strict: Strict, made: str) -> Table:
    return Table(strict, made)


@pytest.fixture
def name() -> str:
    return uuid4().hex


def refused(act: Callable[[], Any]) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        act()
    told: Any = caught.value.response
    return dict(told)


# ------------------------------------------------------------------------------------------- requests that meet


def test_a_transaction_gives_way_to_a_transaction_on_one_of_its_items(table: Table, name: str) -> None:
    with table.strict.under_way(lambda: table.transact(name, f"{name}-a")):
        told = refused(lambda: table.transact(f"{name}-b", name))
    assert told["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in told["CancellationReasons"]] == ["None", "TransactionConflict"]
    assert [table.count(name), table.count(f"{name}-b")] == [1, 0]


def test_a_transaction_gives_way_to_a_plain_write(table: Table, name: str) -> None:
    with table.strict.under_way(lambda: table.add(name)):
        told = refused(lambda: table.transact(name))
    assert told["Error"]["Code"] == "TransactionCanceledException"
    assert table.count(name) == 1


def test_a_condition_check_alone_is_in_the_way_too(table: Table, name: str) -> None:
    check = {"TableName": table.name, "Key": table.key(name), "ConditionExpression": "attribute_not_exists(n)"}
    with table.strict.under_way(lambda: table.transact(name)):
        told = refused(lambda: table.client.transact_write_items(TransactItems=[{"ConditionCheck": check}]))
    assert [reason["Code"] for reason in told["CancellationReasons"]] == ["TransactionConflict"]


WRITES: list[Callable[[Table, str], Any]] = [
    lambda table, name: table.add(name),
    lambda table, name: table.client.delete_item(TableName=table.name, Key=table.key(name)),
    lambda table, name: table.client.put_item(TableName=table.name, Item={**table.key(name), "n": {"N": "7"}}),
]


@pytest.mark.parametrize("write", WRITES, ids=["update", "delete", "put"])
def test_a_plain_write_is_refused_while_a_transaction_is_under_way(
    table: Table, name: str, write: Callable[[Table, str], Any]
) -> None:
    with table.strict.under_way(lambda: table.transact(name)):
        told = refused(lambda: write(table, name))
    assert told["Error"]["Code"] == "TransactionConflictException"
    assert table.count(name) == 1


def test_plain_writes_wait_for_each_other_and_other_items_are_free(table: Table, name: str) -> None:
    with table.strict.under_way(lambda: table.add(name)):
        table.add(name)
        table.transact(f"{name}-a")
    with table.strict.under_way(lambda: table.transact(name)):
        table.add(f"{name}-a")
    assert [table.count(name), table.count(f"{name}-a")] == [3, 2]


def test_once_it_has_ended_a_transaction_is_in_nobodys_way(table: Table, name: str) -> None:
    for _ in range(3):
        table.transact(name)
    refused(lambda: table.client.update_item(TableName=table.name, Key=table.key(name), UpdateExpression="nonsense"))
    table.transact(name)
    assert table.count(name) == 4


def test_a_transaction_that_returns_is_carried_out_once(table: Table, name: str) -> None:
    """boto3 sends it again, with the same token, when it saw no answer: meanwhile or after."""
    token = uuid4().hex
    with table.strict.under_way(lambda: table.transact(name, token=token)):
        told = refused(lambda: table.transact(name, token=token))
    assert told["Error"]["Code"] == "TransactionInProgressException"
    with table.strict.under_way(lambda: table.transact(name)):
        table.transact(name, token=token)  # from memory: nothing is in its way
    assert table.count(name) == 2


# ------------------------------------------------------------------------------------------- a busy service


def test_a_share_of_requests_is_throttled_and_boto3_tries_again(table: Table, name: str) -> None:
    table.strict.suffer(throttled=0.3, seed=1)
    patient = table.strict.client(attempts=8)
    for _ in range(8):
        table.add(name, patient)
    counts = table.strict.counts
    table.strict.suffer()
    assert table.count(name) == 8
    assert counts["throttled"] > 0
    assert counts["requests"] == 8 + counts["throttled"]
    assert counts["ThrottlingException"] + counts["ProvisionedThroughputExceededException"] == counts["throttled"]


def test_the_same_seed_is_the_same_fate(table: Table, name: str) -> None:
    def played() -> list[bool]:
        table.strict.suffer(throttled=0.5, seed=42)
        return [_done(lambda: table.add(name)) for _ in range(20)]

    first = played()
    assert first == played()
    assert set(first) == {True, False}


def test_an_item_takes_so_many_write_units_a_second_and_no_more(table: Table, name: str) -> None:
    """An item of 3 KB takes three a write, six in a transaction; another item has units of its own."""
    large = {**table.key(name), "n": {"N": "0"}, "words": {"S": "x" * 2_500}}
    table.client.put_item(TableName=table.name, Item=large)
    table.strict.suffer(units_per_s=6)
    began = time.monotonic()
    done = 0
    while _done(lambda: table.add(name)):
        done += 1
    assert 2 <= done <= 2 + 6 * (time.monotonic() - began) / 3
    table.add(f"{name}-a")
    assert refused(lambda: table.transact(name))["Error"]["Code"] == "ProvisionedThroughputExceededException"
    busiest = table.strict.told["busiest"][0]
    assert (busiest["units"], name in busiest["key"]) == (3 * done, True)


# ------------------------------------------------------------------------------------------- a network


def test_a_lost_answer_is_a_write_that_was_done(table: Table, name: str) -> None:
    table.strict.suffer(lost=1)
    with pytest.raises(ConnectionClosedError):
        table.add(name)
    table.strict.suffer()
    assert table.count(name) == 1


def test_boto3_repeats_a_write_whose_answer_was_lost(table: Table, name: str) -> None:
    """Which is why the ledger's writes must know themselves again."""
    table.strict.suffer(lost=0.5, seed=3)
    table.add(name, table.strict.client(attempts=8))
    lost = table.strict.counts["lost"]
    table.strict.suffer()
    assert lost >= 1
    assert table.count(name) == 1 + lost


def test_a_transaction_whose_answer_was_lost_is_done_once(table: Table, name: str) -> None:
    table.strict.suffer(lost=0.5, seed=3)
    table.transact(name, client=table.strict.client(attempts=8))
    assert table.strict.counts["lost"] >= 1
    table.strict.suffer()
    assert table.count(name) == 1


def test_a_reset_connection_is_a_write_that_was_not_done(table: Table, name: str) -> None:
    table.strict.suffer(reset=1)
    with pytest.raises((ConnectionClosedError, EndpointConnectionError)):
        table.add(name)
    table.strict.suffer()
    assert table.count(name) == 0


@pytest.mark.parametrize("fate", ["slow", "late"])
def test_whoever_loses_patience_does_not_know_that_the_write_is_done(table: Table, name: str, fate: str) -> None:
    """`slow` is done at once and told too late; `late` is done when nobody waits for it any more."""
    table.strict.suffer(**{fate: 1}, slowest_s=4, seed=6)  # the first delay drawn is 2.1 s
    with pytest.raises(ReadTimeoutError):
        table.add(name, table.strict.client(read_timeout=0.7))
    table.strict.suffer()
    assert table.count(name) == (1 if fate == "slow" else 0)
    until = time.monotonic() + 5
    while table.count(name) == 0 and time.monotonic() < until:
        time.sleep(0.05)
    assert table.count(name) == 1


# ------------------------------------------------------------------------------------------- the stand-in itself


def test_what_it_does_not_know_it_says(table: Table, name: str) -> None:
    """A write that it would let pass unseen could hide an overlap."""
    wrong = {table.name: [{"PutRequest": {"Item": table.key(name)}}]}
    told = refused(lambda: table.client.batch_write_item(RequestItems=wrong))
    assert "BatchWriteItem is not known" in told["Error"]["Message"]


def test_faults_that_are_none_are_refused(strict: Strict) -> None:
    for wrong in ({"lost": 2}, {"lost": 0.6, "slow": 0.6}, {"fire": 1}):
        assert httpx2.put(f"{strict.url}/_faults", json=wrong).status_code == 400, wrong


def test_other_services_pass(platform: Platform, strict: Strict) -> None:
    health = httpx2.get(f"{strict.url}/_ministack/health")
    assert health.json() == httpx2.get(f"{platform.environment['AWS_ENDPOINT_URL']}/_ministack/health").json()


def _done(act: Callable[[], Any]) -> bool:
    try:
        act()
    except ClientError:
        return False
    return True
