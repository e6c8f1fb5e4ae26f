"""One table in plain values, against the emulator."""

import secrets
from collections.abc import Iterator
from decimal import Decimal

import pytest

from llm_core.aws import clients, table
from llm_core.errors import StoreUnavailable
from tests.conftest import Platform


@pytest.fixture
def keys(inside: Platform) -> Iterator[str]:
    """A table of the test's own: in the platform's, whoever looks at all keys would find items that are none."""
    name = f"t{secrets.token_hex(6)}"
    clients.dynamodb().create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "keyId", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "keyId", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield name
    clients.dynamodb().delete_table(TableName=name)


def _item(**more: object) -> dict[str, object]:
    return {"keyId": f"test-{secrets.token_hex(6)}", **more}


def test_what_is_written_comes_back_with_numbers_whole(keys: str) -> None:
    item = _item(cost=123, deep={"list": [1, 2, {"three": 3}]}, none=None, yes=True, exact=Decimal("1.5"))
    table.put_new(keys, item, key="keyId")
    assert table.get(keys, {"keyId": item["keyId"]}) == item


def test_nothing_there_is_none(keys: str) -> None:
    assert table.get(keys, {"keyId": "nobody"}) is None


@pytest.mark.parametrize("name", ["", "x" * 5_000, "é" * 600])
def test_what_no_key_can_be_is_not_there(keys: str, name: str) -> None:
    assert table.get(keys, {"keyId": name}) is None


def test_an_item_is_never_written_over(keys: str) -> None:
    first = _item(owner="first")
    table.put_new(keys, first, key="keyId")
    with pytest.raises(table.AlreadyThere):
        table.put_new(keys, first | {"owner": "second"}, key="keyId")
    found = table.get(keys, {"keyId": first["keyId"]})
    assert found is not None
    assert found["owner"] == "first"


def test_a_write_repeated_because_its_answer_was_lost_counts_as_written(keys: str) -> None:
    item = _item(owner="me")
    table.put_new(keys, item, key="keyId")
    table.put_new(keys, item, key="keyId")


@pytest.mark.parametrize("consistent", [True, False])
def test_a_query_reads_one_stretch_of_one_partition_over_all_its_pages(inside: Platform, consistent: bool) -> None:
    sums, mine, other = inside.environment["ROLL_UPS_TABLE_NAME"], f"mine-{consistent}", f"other-{consistent}"
    padding = "x" * 100_000  # a page ends at a megabyte
    for number in range(25):
        table.put_new(sums, {"scope": mine, "cell": f"{number:02d}", "padding": padding}, key="scope")
    table.put_new(sums, {"scope": other, "cell": "05"}, key="scope")
    found = list(table.query(sums, {"scope": mine}, between=("cell", "02", "22"), consistent=consistent))
    assert [int(item["cell"]) for item in found] == list(range(2, 23))


def test_a_table_that_cannot_be_reached_says_so(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    clients._clients.clear()
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        table.get("any", {"keyId": "any"})
    with pytest.raises(StoreUnavailable):
        table.put_new("any", _item(), key="keyId")
    with pytest.raises(StoreUnavailable):
        next(table.query("any", {"keyId": "any"}, between=("sort", 1, 2)))
