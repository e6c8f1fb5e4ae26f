"""People of the emulator's own pool: the one `make run` prints, those whom an operator invites."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import jwt
import pytest

from local import people
from local.project import CannotStart
from tests.conftest import ROOT, Platform


@pytest.fixture
def cognito(inside: Platform) -> Any:
    return boto3.client("cognito-idp")


def verb(platform: Platform, *words: str) -> subprocess.CompletedProcess[str]:
    """`python -m local ...` on the running platform's state."""
    command = [sys.executable, "-m", "local", *words, "--state", str(platform.state)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_the_checkouts_own_person_signs_in_and_is_in_both_groups(platform: Platform) -> None:
    done = verb(platform, "token")
    assert done.returncode == 0, done.stderr
    told = jwt.decode(done.stdout.strip(), options={"verify_signature": False})
    assert told["email"] == "ada@example.com"
    assert set(told["cognito:groups"]) == {"writers", "admin"}
    assert told["aud"] == platform.outputs["UserPoolClientId"]


def test_a_restart_keeps_the_person_and_a_lost_password_is_made_anew(
    platform: Platform, cognito: Any, tmp_path: Path
) -> None:
    pool, client = (platform.outputs[name] for name in ("UserPoolId", "UserPoolClientId"))
    kept = tmp_path / "user"
    kept.write_text("bob@example.com lost\n")
    first = people.sample(cognito, pool, client, kept)
    assert first.startswith("bob@example.com ")
    assert first != "bob@example.com lost"
    assert people.sample(cognito, pool, client, kept) == first == kept.read_text().strip()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_an_operator_puts_somebody_into_a_group(platform: Platform, cognito: Any) -> None:
    for group in ("writers", "admin"):
        done = verb(platform, "user", "grace@example.com", "--group", group)
        assert done.returncode == 0, done.stderr
        assert bool(done.stdout.strip()) == (group == "writers"), "a password is told once, to somebody new"
    found = cognito.admin_list_groups_for_user(UserPoolId=platform.outputs["UserPoolId"], Username="grace@example.com")
    assert {group["GroupName"] for group in found["Groups"]} == {"writers", "admin"}


def test_an_address_that_is_none_is_refused_in_one_line(platform: Platform, cognito: Any) -> None:
    with pytest.raises(CannotStart, match="cannot be put into writers"):
        people.invite(cognito, platform.outputs["UserPoolId"], "not an address", "writers", mail=False)
