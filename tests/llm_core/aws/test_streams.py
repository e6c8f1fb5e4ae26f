"""What a stream delivers, as the doors read it; and the numbers that Lambda reads in the answer."""

from decimal import Decimal

import pytest

from llm_core.aws import streams, table


def record(name: str, number: str, **images: table.Item) -> table.Item:
    change = {"SequenceNumber": number, **{image: table.packed(item) for image, item in images.items()}}
    return {"eventName": name, "eventSource": "aws:dynamodb", "dynamodb": change}


OLD, NEW = {"id": "a", "n": 1}, {"id": "a", "n": 2, "exact": Decimal("0.5"), "deep": {"list": [1, None, True]}}
EVENT = {
    "Records": [
        record("INSERT", "1", NewImage=OLD),
        record("MODIFY", "2", NewImage=NEW, OldImage=OLD),
        record("REMOVE", "3", OldImage=NEW),
    ]
}


def test_what_was_written_comes_in_order_and_what_was_removed_not_at_all() -> None:
    assert list(streams.written(EVENT)) == [("1", OLD), ("2", NEW)]


def test_a_change_comes_with_what_was_there_before() -> None:
    assert list(streams.changed(EVENT)) == [("1", {}, OLD), ("2", OLD, NEW)]


@pytest.mark.parametrize("failed", [[], ["2", "3"]])
def test_lambda_is_told_the_numbers_that_failed(failed: list[str]) -> None:
    """Those field names are Lambda's: with another it would take a failure for a success."""
    assert streams.answer(failed) == {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
