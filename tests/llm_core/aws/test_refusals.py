"""Every error of the tree has a status, and none tells a caller what only an operator should know."""

import json
from collections.abc import Iterator

import pytest

from llm_core import errors, failures
from llm_core.aws.refusals import Told, anthropic, native, openai, refusal
from llm_core.errors import DreyError, Misconfigured
from llm_core.failures import AllProvidersFailed, ProviderOverloaded, ProviderTimeout


def _tree(root: type[DreyError] = DreyError) -> Iterator[type[DreyError]]:
    yield root
    for child in root.__subclasses__():
        yield from _tree(child)


def _raise(kind: type[DreyError]) -> DreyError:
    if kind is AllProvidersFailed:
        return AllProvidersFailed([("anthropic/a", failures.ProviderFailed("no", provider="anthropic", status=500))])
    if issubclass(kind, failures.ProviderError):
        return kind("It did not work.", provider="anthropic", status=500)
    if kind is errors.InsufficientScope:
        return errors.InsufficientScope("ai:complete")
    if kind is errors.ModelNotFound:
        return errors.ModelNotFound("gpt-99", ())
    return kind("It did not work.")


@pytest.mark.parametrize("kind", list(_tree()), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("dialect", [openai, anthropic, native], ids=lambda dialect: dialect.__name__)
def test_every_error_has_a_status_a_code_and_words(kind: type[DreyError], dialect: Told) -> None:
    answer = refusal(_raise(kind), dialect, "req-1")
    assert 400 <= answer.status < 600
    assert _raise(kind).code in answer.body
    assert "req-1" in answer.body
    assert json.loads(answer.body)["error"]


@pytest.mark.parametrize("kind", list(_tree()), ids=lambda kind: kind.__name__)
def test_a_429_or_5xx_says_whether_to_retry_and_only_what_can_succeed_says_yes(kind: type[DreyError]) -> None:
    error = _raise(kind)
    answer = refusal(error, native, "req-1")
    repeated = answer.status == 429 or answer.status >= 500
    expected = {"x-should-retry": "true" if error.retryable else "false"} if repeated else {}
    assert {name: value for name, value in answer.headers.items() if name != "retry-after"} == expected


def test_no_permanent_refusal_uses_a_status_that_both_sdks_retry() -> None:
    for kind in _tree():
        error = _raise(kind)
        if not error.retryable:
            assert refusal(error, native, "r").status not in (408, 409, 429), kind


def test_what_an_operator_must_do_is_not_told_to_a_caller() -> None:
    answer = refusal(Misconfigured("The secret ssm:/ai-platform/key cannot be read"), openai, "r")
    assert "ai-platform" not in answer.body


def test_a_key_in_a_message_is_struck_out() -> None:
    answer = refusal(DreyError("Incorrect key sk-ant-abcdefgh12345678"), openai, "r")
    assert "abcdefgh" not in answer.body


def test_retry_after_is_whole_seconds_rounded_up() -> None:
    error = ProviderOverloaded("Busy.", provider="anthropic", status=429, retry_after_s=1.2)
    assert refusal(error, openai, "r").headers["retry-after"] == "2"


def test_of_many_failures_the_last_decides_the_status_and_all_are_told() -> None:
    busy = ProviderOverloaded("anthropic is busy.", provider="anthropic", status=529)
    silent = ProviderTimeout("bedrock did not answer in time.", provider="bedrock")
    answer = refusal(AllProvidersFailed([("anthropic/a", busy), ("bedrock/b", silent)]), openai, "r")
    assert answer.status == 504
    assert "anthropic/a: anthropic is busy." in answer.body
    assert "bedrock/b: bedrock did not answer in time." in answer.body


def test_anthropics_clients_read_the_type_and_the_id_where_they_look() -> None:
    body = json.loads(refusal(errors.InsufficientScope("ai:complete"), anthropic, "r").body)
    assert (body["type"], body["error"]["type"], body["request_id"]) == ("error", "permission_error", "r")
