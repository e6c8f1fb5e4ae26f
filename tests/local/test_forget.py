"""`make forget`: nothing leads to a person any more, and nothing of anybody else's has changed."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import boto3
import pytest

from llm_core import budgets
from llm_core.deadline import Deadline
from llm_core.roll_ups import sums
from local import forget as erasing
from local.forget import forget
from local.project import CannotStart
from tests.conftest import Platform, fresh
from tests.functions.accounts.holder import NANO, Holder, scanned, someone
from tests.wire.agent_runs import Agents
from tests.wire.sockets import connected

CALLS = 4
"""The question twice, and two turns of the agent."""
TABLES = [f"{name}_TABLE_NAME" for name in erasing._KEYS]


def everything(platform: Platform, *but: str) -> str:
    """All that is kept, as one text."""
    return json.dumps({name: scanned(platform, name) for name in TABLES if name not in but}, default=repr)


def lived(holder: Holder) -> None:
    """What a person leaves behind: an answer, the same one given again, a run with much to read, a connection."""
    question = {"model": fresh("alone"), "temperature": 0, "messages": [{"role": "user", "content": "Hello"}]}
    for _ in range(2):
        holder.ask("POST", "/v1/chat/completions", question).raise_for_status()
    given = [{"title": "One", "text": "squirrel " * 12_000}]
    agents = Agents(holder)
    assert agents.finished(input={"topic": "Nests", "documents": given}, tools=["search"])["status"] == "succeeded"
    holder.make(name=f"laptop of {holder.user}")
    with connected(holder) as live:
        live.ask(action="ping")


def counted(user: str, calls: int) -> int:
    """The calls of a user in everybody's sums, once there are so many."""
    today, until = datetime.now(UTC).date(), time.monotonic() + 20
    while True:
        groups = sums.grouped(sums.cells("all", "day", today, today, who=[user]), ["user"])
        found = sums.total(groups.values())["calls"]
        if found >= calls or time.monotonic() > until:
            return found
        time.sleep(0.1)


@pytest.fixture
def ada(inside: Platform, understudy: Platform) -> Holder:
    made = someone(understudy, limits={"month": 10})
    budgets.limited(f"user:{made.user}", {"day": 5 * NANO}, deadline=Deadline.after(10))
    return made


def test_everything_that_is_kept_of_a_person_is_erased_and_nothing_of_others(
    ada: Holder, inside: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    bob = someone(inside, user=f"{ada.user}-junior")  # a name that begins like hers
    lived(ada)
    lived(bob)
    for holder in (ada, bob):
        assert counted(holder.user, CALLS) == CALLS
    hers, theirs = ada.kept["keyId"], bob.kept
    bucket = boto3.resource("s3").Bucket(inside.environment["RUNS_BUCKET_NAME"])
    objects = len(list(bucket.objects.all()))

    told = forget(ada.user)

    assert ada.hello().status_code in (401, 404), "also while a door still believes its key"
    left = everything(inside, "AUDIT_TABLE_NAME")
    assert hers not in left
    whole = everything(inside).replace(bob.user, "BOB")
    assert ada.user not in whole
    assert told["usage"] == CALLS
    assert told["runs"] > 3
    assert told["objects of runs"] == objects - len(list(bucket.objects.all())) >= 1
    assert {"keys", "budgets", "reuse", "roll ups", "audit, by another name"} <= told.keys()
    shown = capsys.readouterr().out
    assert f"usage {told['usage']}" in " ".join(shown.split())

    assert bob.works
    assert bob.kept == theirs
    assert counted(bob.user, CALLS) == CALLS
    name = shown.split("stands under ")[1].split(".")[0]
    assert counted(name, CALLS) == CALLS, "everybody's sums stay what they were"
    acts = [act for act in scanned(inside, "AUDIT_TABLE_NAME") if act["account"] == name]
    assert {"account.open", "key.create", "key.revoke", "user.forget"} <= {act["what"] for act in acts}
    assert "laptop" not in json.dumps(acts, default=str)


def test_said_again_it_finds_what_was_still_under_way(ada: Holder, inside: Platform) -> None:
    """Given a call that holds money, its window stays, and a second time it goes."""
    ada.hello().raise_for_status()
    budgets_table = boto3.resource("dynamodb").Table(inside.environment["BUDGETS_TABLE_NAME"])
    windows = [item for item in scanned(inside, "BUDGETS_TABLE_NAME") if item["userId"].startswith(f"user:{ada.user}#")]
    (window,) = [item for item in windows if "holds" in item]
    key, held = {"userId": window["userId"]}, {"gen-1": {"a": Decimal(1)}}
    budgets_table.update_item(Key=key, UpdateExpression="SET holds = :h", ExpressionAttributeValues={":h": held})

    forget(ada.user)
    assert "Item" in budgets_table.get_item(Key=key)
    budgets_table.update_item(Key=key, UpdateExpression="SET holds = :h", ExpressionAttributeValues={":h": {}})
    forget(ada.user)
    assert "Item" not in budgets_table.get_item(Key=key)
    assert not forget(ada.user)


@pytest.mark.parametrize("name", ["", "nobody-ever"])
def test_of_whom_nothing_is_kept_nothing_is_erased(name: str, inside: Platform, capsys: Any) -> None:
    before = everything(inside, "HEALTH_TABLE_NAME", "ROLL_UPS_TABLE_NAME")
    if name:
        assert not forget(name)
        assert capsys.readouterr().out.strip() == f"Nothing is kept of {name}."
    else:
        with pytest.raises(CannotStart, match="Whom"):
            forget(name)
    assert everything(inside, "HEALTH_TABLE_NAME", "ROLL_UPS_TABLE_NAME") == before


def test_a_stacks_tables_are_named_as_doors_name_them(inside: Platform) -> None:
    """Whatever the verb needs is a resource of the stack, under the name that the doors have for it."""
    found = erasing.stores("drey-local")
    for name in [*TABLES, "RUNS_BUCKET_NAME"]:
        assert found[name] == inside.environment[name]
