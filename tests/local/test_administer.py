"""The operator's verbs, each in a process of its own, on the tables of the running platform."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llm_core import overruns
from llm_core.accounts import tree
from llm_core.aws import table
from llm_core.aws.stage_catalog import catalog
from llm_core.failures import ProviderSuspended
from llm_core.settings import settings
from local.__main__ import main
from local.key import _tables
from local.project import Project
from tests.conftest import ROOT, Platform, fresh
from tests.functions.accounts.holder import Holder, someone


@dataclass(frozen=True)
class Told:
    code: int
    out: str
    words: str


@dataclass(frozen=True)
class Operator:
    """Types verbs; in this process, whose environment is the doors' already."""

    platform: Platform
    screen: pytest.CaptureFixture[str]
    typing: pytest.MonkeyPatch

    def __call__(self, *arguments: str) -> Told:
        self.typing.setattr(sys, "argv", ["local", *arguments, "--state", str(self.platform.logs.parents[1])])
        self.screen.readouterr()
        code = main()
        shown = self.screen.readouterr()
        return Told(code, shown.out, shown.err)

    def refused(self, *arguments: str) -> str:
        told = self(*arguments)
        assert (told.code, told.out, told.words.count("\n")) == (1, "", 1), told
        return told.words


@pytest.fixture
def operator(inside: Platform, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("STAGE", os.environ["STAGE"])
    return Operator(inside, capsys, monkeypatch)


@pytest.fixture
def name() -> str:
    return f"u{secrets.token_hex(4)}"


def acts(partition: str) -> list[tuple[str, str, Any]]:
    rows = table.query(settings().audit_table_name, {"account": partition}, between=("at", "0", "9"))
    return [(row["by"], row["what"], row["after"]) for row in rows]


def test_a_key_comes_with_the_accounts_above_it(operator: Operator, name: str) -> None:
    place = ("--user", name, "--team", f"t-{name}", "--org", f"o-{name}")
    told = operator("key", *place, "--budget", "50", "--daily", "0.5", "--scopes", "ai:complete,usage:read")
    key = Holder(operator.platform, name, told.out[:20], told.out.strip())
    assert key.told("GET", "/v1/key")["scopes"] == ["ai:complete", "usage:read"]
    assert told.out.strip() not in told.words
    line = [account.name for account in tree.lineage(f"key:{key.key_id}")]
    assert line == [f"key:{key.key_id}", f"user:{name}", f"team:t-{name}", f"org:o-{name}"]
    assert tree.find(line[0]).limits == {"month": 50 * 10**9, "day": 5 * 10**8}
    assert all(each in told.words for each in line)
    assert [what for _, what, _ in acts(name)] == ["account.open", "key.create"]
    assert acts(f"team:t-{name}") == [("operator", "account.open", {"parent": f"org:o-{name}", "shards": 1})]

    assert operator("key", "--user", name).code == 0, "it is known by now where the user stands"
    assert "do not move" in operator.refused("key", "--user", name, "--team", "another")


def test_a_budget_is_set_at_once_and_shown(operator: Operator, name: str) -> None:
    key = someone(operator.platform, user=name)
    assert key.hello().status_code == 200
    told = operator("budget", f"user:{name}", "--monthly", "0", "--daily", "12.5")
    assert (told.code, told.out) == (0, "")
    assert f"user:{name}" in told.words
    assert "12.5" in told.words
    refused = key.hello()
    assert (refused.status_code, refused.json()["limit_id"].partition("#")[0]) == (402, f"user:{name}")
    assert operator("budget", f"user:{name}", "--monthly", "none").code == 0
    assert tree.find(f"user:{name}").limits == {"day": 12_500_000_000}
    assert key.hello().status_code == 200
    limits = [after["limits"] for _, what, after in acts(name) if what == "account.limit"]
    assert limits == [{"monthlyBudget": "0", "dailyCap": "12.5"}, {"dailyCap": "12.5"}]
    assert operator("budget", f"key:{key.key_id}", "--monthly", "5").code == 0, "what a key may not do for itself"


def test_an_account_is_opened_with_its_shards_for_good(operator: Operator, name: str) -> None:
    assert operator("budget", f"team:{name}", "--monthly", "100", "--shards", "4").code == 0
    found = tree.find(f"team:{name}")
    assert (found.shards, found.limits) == (4, {"month": 100 * 10**9})
    assert operator("budget", f"team:{name}", "--monthly", "90").code == 0
    assert "split over 4" in operator.refused("budget", f"team:{name}", "--shards", "2")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["budget", "user:nobody-yet", "--monthly", "lots"], "lots"),
        (["budget", "user:nobody-yet", "--monthly", "-1"], "between"),
        (["budget", "user:nobody-yet", "--monthly", "0.0000000001"], "decimals"),
        (["budget", "run:7", "--monthly", "1"], "user:"),
        (["budget", "nobody", "--monthly", "1"], "account"),
        (["budget", "key:sk-proj-000000000000"], "no account"),
        (["key", "--scopes", "ai:complete,root"], "root"),
        (["key", "--user", "a b"], "a b"),
        (["revoke", "sk-proj-000000000000"], "no such key"),
        (["clear", "anthropic/claude-haiku-4-5"], "not suspended"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_what_cannot_be_done_is_one_line(operator: Operator, arguments: list[str], word: str) -> None:
    assert word in operator.refused(*arguments)


def test_a_leaked_key_is_ended_by_the_operator_with_all_below_it(operator: Operator) -> None:
    leaked = someone(operator.platform)
    child = leaked.make()
    told = operator("revoke", leaked.key_id)
    assert told.words.count("revoked") == 2
    assert all(_revoked(key) for key in (leaked, child))
    assert ("operator", "key.revoke") in [(by, what) for by, what, _ in acts(leaked.user)]


def _revoked(key: Holder) -> bool:
    """The doors are another process than the operator's, and may believe a key for half a minute more."""
    return bool(key.kept["revokedAt"])


def test_a_model_is_asked_again_once_an_operator_has_looked(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = catalog().model(fresh("alone"))
    overruns.suspend(model, "chat", ceiling=1, cost=2)
    with pytest.raises(ProviderSuspended):
        overruns.check(model, "chat")
    assert operator("clear", model.name, "--operation", "chat").code == 0
    monkeypatch.setattr("llm_core.overruns.time.monotonic", lambda: time.time() + 10**6)
    overruns.check(model, "chat")
    assert ("operator", "overrun.clear", {}) in acts("overruns")


def test_a_verb_is_a_command_of_its_own(inside: Platform, name: str) -> None:
    """With nothing in its environment but what a shell has; the key alone is what a script reads."""
    shell = {each: value for each, value in os.environ.items() if each not in inside.environment}
    command = [sys.executable, "-m", "local", "key", "--user", name, "--state", str(inside.logs.parents[1])]
    done = subprocess.run(command, cwd=ROOT, env=shell, capture_output=True, text=True, check=True)
    assert Holder(inside, name, done.stdout[:20], done.stdout.strip()).works


def test_a_stage_is_found_by_its_stack(operator: Operator, name: str, tmp_path: Path) -> None:
    """Here its AWS is the emulator, and its stack the one of the running platform."""
    stack = Project().stack_name("local")
    (tmp_path / "samconfig.toml").write_text(f'[dev.deploy.parameters]\nstack_name = "{stack}"\n')
    assert {"KEYS_TABLE_NAME", "BUDGETS_TABLE_NAME", "AUDIT_TABLE_NAME", "BYOK_PATH"} <= set(_tables(stack))
    of_doors = {
        name: value for name, value in _tables(stack).items() if name != "USER_POOL_ID"
    }  # that one no door needs
    assert of_doors.items() <= operator.platform.environment.items()
    made = operator("key", "--root", str(tmp_path), "--stage", "dev", "--user", name).out.strip()
    assert Holder(operator.platform, name, made[:20], made).works
    assert "no stage 'moon'" in operator.refused("key", "--root", str(tmp_path), "--stage", "moon")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], '--user "local" --team ""'),
        (["USER=ada", "TEAM=search", "BUDGET=50", "NAME=one two"], '--user "ada" --team "search"'),
    ],
)
def test_make_takes_a_user_from_its_command_line_only(given: list[str], told: str) -> None:
    shell = os.environ | {"USER": "root", "TEAM": "mine", "NAME": "wsl"}
    done = subprocess.run(
        ["make", "-n", "key", *given], cwd=ROOT, env=shell, capture_output=True, text=True, check=True
    )
    assert told in " ".join(done.stdout.split())
    assert "wsl" not in done.stdout
