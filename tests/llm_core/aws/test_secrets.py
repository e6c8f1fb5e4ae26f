"""Secrets by reference, against the emulator's stores."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from llm_core.aws import clients, secrets
from llm_core.errors import Misconfigured, StoreUnavailable
from llm_core.redaction import redact
from llm_core.settings import settings
from tests.conftest import Platform


@pytest.fixture
def parameter(inside: Platform) -> str:
    """A fresh SecureString; its reference."""
    name = f"/test/{time.time_ns()}"
    _put(name, "first-value-1234")
    return f"ssm:{name}"


def _put(name: str, value: str, kind: Any = "SecureString") -> None:
    clients.ssm().put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)


def test_a_secure_string_is_read_and_from_then_on_struck_out(parameter: str) -> None:
    assert secrets.secret(parameter) == "first-value-1234"
    assert redact("leaked: first-value-1234") == "leaked: ***"


def test_a_changed_value_is_seen_after_five_minutes_or_when_asked_afresh(
    parameter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets.secret(parameter)
    _put(parameter.removeprefix("ssm:"), "second-value-1234")
    assert secrets.secret(parameter) == "first-value-1234", "from the cache"
    assert secrets.secret(parameter, fresh=True) == "second-value-1234"
    _put(parameter.removeprefix("ssm:"), "third-value-1234")
    _let_time_pass(monkeypatch, secrets.CACHE_SECONDS + 1)
    assert secrets.secret(parameter) == "third-value-1234"


def test_of_many_who_need_it_at_once_one_asks(parameter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred streams that begin together are one question to the store, not a storm of them."""
    asked: list[str] = []
    found = clients.ssm().get_parameter

    def slow(**names: Any) -> Any:
        asked.append(names["Name"])
        time.sleep(0.1)  # so that all the others come meanwhile
        return found(**names)

    monkeypatch.setattr(clients.ssm(), "get_parameter", slow)
    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(secrets.secret, [parameter] * 20)) == {"first-value-1234"}
    assert len(asked) == 1


def test_each_name_has_its_own_age(parameter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given A was read, and B much later; when A's five minutes are over, then A is read again though B is fresh."""
    name = parameter.removeprefix("ssm:")
    _put(name + "-b", "b-value-12345678")
    secrets.secret(parameter)
    _put(name, "a-has-changed-1234")
    _let_time_pass(monkeypatch, 200)
    secrets.secret(parameter + "-b")
    _let_time_pass(monkeypatch, 301)
    assert secrets.secret(parameter) == "a-has-changed-1234"


def test_a_plain_string_is_refused_because_it_is_not_encrypted(parameter: str) -> None:
    _put(parameter.removeprefix("ssm:") + "-plain", "open-value-1234", "String")
    with pytest.raises(Misconfigured, match="not a SecureString") as refused:
        secrets.secret(parameter + "-plain")
    assert "open-value-1234" not in refused.value.message


def test_secrets_manager_is_read_the_same_way(inside: Platform) -> None:
    name = f"test/{time.time_ns()}"
    clients.secretsmanager().create_secret(Name=name, SecretString="kept-elsewhere-1234")
    assert secrets.secret(f"secretsmanager:{name}") == "kept-elsewhere-1234"


@pytest.mark.parametrize("reference", ["ssm:/not/there", "secretsmanager:not/there", "env:NOT_SET", "", "plain-value"])
def test_what_cannot_be_read_is_named(inside: Platform, reference: str) -> None:
    with pytest.raises(Misconfigured):
        secrets.secret(reference)


def test_a_variable_may_hold_a_secret_but_never_in_prod(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WALL_KEY", "from-the-shell-1234")
    assert secrets.secret("env:WALL_KEY") == "from-the-shell-1234"
    monkeypatch.setenv("STAGE", "prod")
    settings.cache_clear()
    with pytest.raises(Misconfigured):
        secrets.secret("env:WALL_KEY")


def _let_time_pass(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Powertools' cache looks at the clock of its own module."""
    from datetime import datetime, timedelta

    from aws_lambda_powertools.utilities.parameters import base

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=seconds)

    monkeypatch.setattr(base, "datetime", Later)


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Parameter Store fails with the code that stands in this list; what it was asked for comes after it."""
    told: list[str] = []

    def get_parameter(Name: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - boto3's name
        told.append(Name)
        raise ClientError({"Error": {"Code": told[0], "Message": "no"}}, "GetParameter")

    monkeypatch.setattr(clients.ssm(), "get_parameter", get_parameter)
    return told


def test_while_the_store_is_in_trouble_the_last_value_serves_for_an_hour(parameter: str, trouble: list[str]) -> None:
    trouble.append("ThrottlingException")
    secrets._read[parameter] = time.monotonic() - secrets.STALE_SECONDS + 10, "first-value-1234"
    assert secrets.secret(parameter) == "first-value-1234"
    secrets._read[parameter] = time.monotonic() - secrets.STALE_SECONDS, "first-value-1234"
    with pytest.raises(StoreUnavailable):
        secrets.secret(parameter)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ParameterNotFound"])
def test_what_is_refused_is_asked_for_once_a_minute(parameter: str, trouble: list[str], code: str) -> None:
    trouble.append(code)
    for _ in range(5):
        with pytest.raises(Misconfigured, match=parameter):
            secrets.secret(parameter)
    assert len(trouble) == 2
    secrets._refused[parameter] = time.monotonic(), ""
    with pytest.raises(Misconfigured):
        secrets.secret(parameter)
    assert len(trouble) == 3
