"""From a call to its sums: by the stream of `make run` and the roll-up door, and by the operator's verb."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import openai
import pytest

from llm_core import ledger
from llm_core.aws import clients, table
from tests.conftest import ROOT, Platform
from tests.functions.accounts.test_usage import User, attempt, someone

PATIENCE_S = 20


@pytest.fixture
def user(inside: Platform) -> User:
    return someone(inside)


def told_when(user: User, arrived: Callable[[dict[str, Any]], bool], **query: str) -> dict[str, Any]:
    """The usage, this month's by default, once it is as it should be; or as it is when patience ends."""
    until = time.monotonic() + PATIENCE_S
    while not arrived(told := user.told(**query)) and time.monotonic() < until:
        time.sleep(0.1)
    return told


def test_a_call_is_in_the_sums_soon_after_its_answer(user: User) -> None:
    client = openai.OpenAI(base_url=f"{user.platform.url}/v1", api_key=user.api_key, max_retries=0)
    hello: Any = [{"role": "user", "content": "Hello!"}]
    answers = [
        client.chat.completions.create(model=model, messages=hello) for model in ("claude-haiku-4-5", "gpt-4.1-mini")
    ]
    told = told_when(user, lambda told: told["total"]["calls"] == 2)
    assert told["total"]["charged"] == pytest.approx(sum(_charged(answer) for answer in answers), abs=1e-12)
    assert told["total"]["tokens"]["output"] == sum(a.usage.completion_tokens for a in answers if a.usage)
    one = user.get(f"/v1/generations/{answers[0].id}").json()
    assert one["charged"] == _charged(answers[0])


def test_answers_given_again_and_own_provider_keys_are_told_apart(user: User) -> None:
    client = openai.OpenAI(base_url=f"{user.platform.url}/v1", api_key=user.api_key, max_retries=0)
    own = {"X-User-API-Key": f"sk-ant-{'k' * 40}", "X-User-Provider": "anthropic"}

    def ask(**headers: str) -> Any:
        hello: Any = [{"role": "user", "content": f"Hello from {user.name}"}]
        return client.chat.completions.create(
            model="claude-haiku-4-5", messages=hello, temperature=0, extra_headers=headers
        )

    paid, again, by_self = ask(), ask(), ask(**own)
    assert (_charged(again), _charged(by_self)) == (0, 0)
    told = told_when(user, lambda told: told["total"]["calls"] == 3)["total"]
    assert told["charged"] == pytest.approx(_charged(paid), abs=1e-12)
    assert (told["calls"], told["cached"], told["byok"]["attempts"]) == (3, 1, 1)
    assert told["byok"]["tokens"] == by_self.usage.total_tokens
    assert told["byok"]["share"] == round(by_self.usage.total_tokens / told["tokens"]["total"], 4)


def _charged(answer: Any) -> float:
    return float(answer.usage.model_dump()["cost"])


def test_a_corrected_row_corrects_the_sums(user: User) -> None:
    """As a late settle does: the same key, `version` 2."""
    call = ledger.new_id()
    ledger.record(attempt(user, call))
    assert told_when(user, lambda told: told["total"]["calls"] == 1)["total"]["estimated"] == 1
    item = ledger.find(user.name, call) | {"version": 2, "estimated": False, "cost": 30, "charged": 31, "outcome": "ok"}
    clients.dynamodb().put_item(TableName=_table(user, "USAGE"), Item=table.packed(item))
    told = told_when(user, lambda told: told["total"]["estimated"] == 0)
    assert (told["total"]["calls"], told["total"]["charged"], told["total"]["cost"]) == (1, 3.1e-8, 3e-8)


def test_the_rows_of_make_seed_are_in_the_sums(inside: Platform) -> None:
    printed = _verb(inside, "seed")
    found = re.search(r"^ada's key for the notebook: (sk-proj-\w{12})(\S+)$", printed, re.MULTILINE)
    assert found is not None, printed
    ada = User(inside, "ada", found[1], found[1] + found[2])
    rows = table.query(_table(ada, "USAGE"), {"userId": "ada"}, between=("timestamp", 0, 10**15))
    planted = [row for row in rows if row["keyId"] == ada.key_id]
    assert len(planted) > 20

    query = {"from": (datetime.now(UTC).date() - timedelta(days=31)).isoformat(), "key": ada.key_id}
    told = told_when(ada, lambda told: told["total"]["calls"] == len(planted), **query)
    assert told["total"]["calls"] == len(planted)
    assert told["total"]["charged"] == pytest.approx(sum(row["charged"] for row in planted) / 10**9)
    assert told["projection"]["projected"] > 0


def test_what_the_stream_lost_is_counted_by_the_operators_verb(user: User) -> None:
    for _ in range(3):
        ledger.record(attempt(user, ledger.new_id()))
    told_when(user, lambda told: told["total"]["calls"] == 3)
    _lose(user)
    assert user.told()["data"] == []
    assert _rollups(user) >= 3, "these, and what the stream is only about to bring"
    assert user.told()["total"]["charged"] == pytest.approx(3 * 0.00102)
    _rollups(user)
    assert user.told()["total"]["calls"] == 3


def _rollups(user: User) -> int:
    """How many rows it says were missing."""
    printed = _verb(user.platform, "rollups")
    told = re.fullmatch(r"\d+ usage rows; (\d+) of them were missing in the sums\.", printed.strip())
    assert told is not None, printed
    return int(told[1])


def _verb(platform: Platform, verb: str) -> str:
    """What `make` prints for a person."""
    command = [sys.executable, "-m", "local", verb, "--state", str(platform.logs.parents[1])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _lose(user: User) -> None:
    """The cells and markers of this user, as if the stream had never brought the rows."""
    name, today = _table(user, "ROLL_UPS"), datetime.now(UTC).date()
    keys = [
        {"scope": scope, "cell": cell["cell"]}
        for scope in (f"user:{user.name}", "all")
        for period in ("hour", "day")
        for cell in table.query(name, {"scope": scope}, between=("cell", f"{period}#{today}", f"{period}#{today}~"))
        if scope != "all" or f"#{user.name}#" in cell["cell"]
    ]
    rows = table.query(_table(user, "USAGE"), {"userId": user.name}, between=("timestamp", 0, 10**15))
    keys += [{"scope": f"row:{user.name}:{row['timestamp']:f}", "cell": "counted"} for row in rows]
    for key in keys:
        clients.dynamodb().delete_item(TableName=name, Key=table.packed(key))


def _table(user: User, name: str) -> str:
    return user.platform.environment[f"{name}_TABLE_NAME"]
