"""Nothing secret leaves: what is struck out, and what stays readable."""

import json
from contextvars import copy_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_core import redaction
from llm_core.redaction import redact


@pytest.mark.parametrize(
    "key",
    [
        "sk-ant-api03-abcdefghijklmnop-qrstuvwxyz_AA",
        "sk-proj-AbCdEf123456" + "s" * 43,
        "sk-1234567890abcdef",
        "sk-pr***************cdef",
    ],
)
def test_a_key_is_struck_out_wherever_it_stands(key: str) -> None:
    line = redact(f'{{"message":"Incorrect API key provided: {key}."}}')
    assert key not in line
    assert "sk-***" in line


@pytest.mark.parametrize("before", ["\n", "\t", "_", "x_", "key_", "Bearer%20", "n", '"', "\\n"])
def test_whatever_stands_before_a_key_does_not_hide_it(before: str) -> None:
    secret = "sk-proj-AbCdEf123456" + "s" * 43
    assert secret not in redact(json.dumps({"text": f"key:{before}{secret}"}))


@pytest.mark.parametrize("words", ["risk-averse people", "a task-management board", "ask-me-anything"])
def test_ordinary_hyphens_are_no_keys(words: str) -> None:
    assert redact(words) == words


def test_a_public_key_id_stays_readable() -> None:
    assert redact("key sk-proj-AbCdEf123456 was revoked") == "key sk-proj-AbCdEf123456 was revoked"


def test_a_secret_that_was_read_is_struck_out_whatever_it_looks_like() -> None:
    redaction.remember("correct horse battery staple")
    assert redact("refused: correct horse battery staple!") == "refused: ***!"


def test_a_callers_own_secret_is_struck_out_until_its_request_is_over() -> None:
    redaction.remember_for_request("a key of somebody's own")
    redaction.remember_for_request('with "quotes" in it')
    assert redact("refused: a key of somebody's own!") == "refused: ***!"
    assert redact(json.dumps({"said": 'with "quotes" in it'})) == '{"said": "***"}'
    redaction.begin_request()
    assert redact("a key of somebody's own") == "a key of somebody's own"


def test_a_secret_of_one_request_is_not_looked_for_in_anothers() -> None:
    """In `make run` requests share a process; each has a context of its own."""
    copy_context().run(redaction.remember_for_request, "a key of somebody's own")
    assert redact("a key of somebody's own") == "a key of somebody's own"


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz ", max_size=200))
def test_ordinary_words_stay_as_they_are(text: str) -> None:
    assert redact(text) == text
