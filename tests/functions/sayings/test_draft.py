"""What models write, read as sayings."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayings import draft
from sayings.services import services

WANTED = [services()[name] for name in ("s3", "lambda", "dynamodb")]
S3, LAMBDA, DYNAMODB = (
    "Amazon S3 is the attic of the internet.",
    "AWS Lambda is a friend with one sofa.",
    "DynamoDB is a librarian in a hurry.",
)
ALL = {"s3": S3, "lambda": LAMBDA, "dynamodb": DYNAMODB}
BY_ID = json.dumps(ALL)

WRAPPED = {
    "as asked": BY_ID,
    "fenced": f"```json\n{BY_ID}\n```",
    "with words around it": f"Here you are!\n\n{BY_ID}\n\nEnjoy {{them}}".replace("{them}", "them"),
    "by names": json.dumps({"Amazon S3": S3, "AWS LAMBDA": LAMBDA, "DynamoDB": DYNAMODB}),
    "inside another object": json.dumps({"sayings": ALL}),
    "a list of objects": json.dumps([{"service": name, "saying": said} for name, said in ALL.items()]),
    "an object with a list": json.dumps({"sayings": [{"service": name, "saying": said} for name, said in ALL.items()]}),
    "a bare list": json.dumps([S3, LAMBDA, DYNAMODB]),
    "numbered lines": f"1. Amazon S3: {S3}\n2. AWS Lambda: {LAMBDA}\n3) DynamoDB: {DYNAMODB}",
    "bold bullets": f"- **S3**: {S3}\n- **Lambda**: {LAMBDA}\n- **DynamoDB**: {DYNAMODB}",
    "quoted and on two lines": json.dumps(
        {"s3": f'"{S3}"', "lambda": LAMBDA.replace("a friend", "a\n friend")} | {"dynamodb": DYNAMODB}
    ),
}


@pytest.mark.parametrize("text", WRAPPED.values(), ids=WRAPPED)
def test_the_usual_wrappings_are_taken_off(text: str) -> None:
    assert draft.read(text, WANTED) == ALL


UNFIT = {
    "too short": "S3!",
    "too long": "S3 " * 200,
    "markup": "Amazon S3 is <b>the attic</b> of the internet.",
    "an address": "Amazon S3 is at https://example.com, of course.",
    "no text": 7,
    "nothing": None,
    "a repeated one": LAMBDA.upper(),
    "empty": "",
}


@pytest.mark.parametrize("text", UNFIT.values(), ids=UNFIT)
def test_a_text_that_is_no_saying_is_left_out_and_the_others_stay(text: object) -> None:
    assert draft.read(json.dumps({"lambda": LAMBDA, "s3": text}), WANTED) == {"lambda": LAMBDA}


@pytest.mark.parametrize(
    "text",
    ["", "I would rather not.", "{", '{"s3":', "[]", "{}", "null", '{"ec2": "Not asked for, this one."}', "[" * 5_000],
)
def test_nothing_is_read_from_nothing(text: str) -> None:
    assert draft.read(text, WANTED) == {}


@given(st.text())
def test_whatever_comes_only_fit_texts_of_wanted_services_are_read(text: str) -> None:
    for answer in (text, json.dumps({"s3": text, "lambda": text, "x": text}), json.dumps([text, text])):
        for service, said in draft.read(answer, WANTED).items():
            assert service in ALL
            assert draft.SHORTEST <= len(said) <= draft.LONGEST
            assert not set(said) & set("<>{}\n\t")
