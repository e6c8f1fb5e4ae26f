"""The services and the sayings that come with the platform."""

from __future__ import annotations

import random

import pytest

from sayings import services
from sayings.saying import saying_id


def test_each_built_in_saying_is_about_the_service_it_says_and_short_enough_to_be_read() -> None:
    assert len(services.built_in()) >= 40
    for saying in services.built_in():
        assert 40 <= len(saying.saying) <= 240
        named = services.mentioned(saying.saying)
        assert saying.service in named or saying.saying.startswith(("A dead-letter queue", "A NAT gateway")), saying


def test_no_saying_stands_there_twice() -> None:
    texts = [saying_id(saying.saying) for saying in services.built_in()]
    assert len(texts) == len(set(texts))


def test_every_service_has_a_name_of_its_own() -> None:
    said = [each for service in services.services().values() for each in service.said]
    assert len(said) == len(set(said))
    assert len(said) >= 40


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Amazon S3 and AWS Lambda walk into a bar.", ["s3", "lambda"]),
        ("S3 Glacier is a long nap.", ["glacier"]),
        ("Lambda, Lambda and S3", ["lambda", "s3"]),
        ("A backup of the config is no AWS Backup.", ["backup"]),
        ("An attic.", []),
        ("CS3 is not it, nor is S3000.", []),
    ],
)
def test_services_are_read_from_a_text(text: str, found: list[str]) -> None:
    assert services.mentioned(text) == found


def test_some_are_different_ones() -> None:
    drawn = services.some(3, random.Random(7))
    assert len({service.id for service in drawn}) == 3
