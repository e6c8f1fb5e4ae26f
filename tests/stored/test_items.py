"""Items of earlier releases: whoever deploys a new one goes on with what the old one wrote.

There is no number of a schema in an item. A release may add an attribute, which its readers then do without where it is
not there, and takes none away that the release before reads: so two releases work on one table while one is rolled out,
or back.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from llm_core import budgets
from llm_core.callers import hashed
from llm_core.deadline import Deadline
from llm_core.roll_ups.counting import Fact
from tests.conftest import Platform
from tests.functions.accounts.holder import NANO, Holder, scanned, someone
from tests.local.test_forget import CALLS, counted, lived
from tests.stored.items import FOLDER, NAMED, chosen, read, written

COME_AND_GO = {"open"}
"""A window leaves its index when nothing is held in it."""
RELEASES = sorted(FOLDER.glob("*.json"))


@pytest.fixture(scope="module")
def today(platform: Platform) -> Any:
    """One item of each kind as this checkout writes them."""
    from tests.conftest import as_a_door

    with pytest.MonkeyPatch.context() as patch, as_a_door(platform, patch):
        holder = someone(platform, limits={"month": 10}, user="veteran")
        budgets.limited("user:veteran", {"day": 5 * NANO}, deadline=Deadline.after(10))
        lived(holder)
        counted("veteran", CALLS)
        found = chosen({name: list(_of(holder, scanned(platform, f"{name}_TABLE_NAME"))) for name in NAMED})
    if release := os.environ.get("DREY_RELEASE"):
        (FOLDER / f"{release}.json").write_text(written(found))
    return found


def _of(holder: Holder, items: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What names the holder or the first posts' author, and what belongs to that: others use the platform, too."""
    own: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for item in items:
        named = any(name in repr(item) for name in (holder.user, holder.key_id, "'Drey'"))
        (own if named else others).append(item)
    ids = {item[name] for item in own for name in ("postId", "runId") if name in item}
    yield from own
    yield from (item for item in others if item.get("of") in ids or item.get("runId") in ids)


def test_every_kind_of_item_that_is_written_today_is_among_those_of_the_last_release(today: Any) -> None:
    """What fails here is new: its readers must do without it, and `tests/stored` gets the file of the next release."""
    last = read(RELEASES[-1])
    for table, kinds in today.items():
        for kind, item in kinds.items():
            assert kind in last[table], f"{table}: a new kind of item, {kind}"
            counters = {
                name for name in last[table][kind] if table == "ROLL_UPS" and name not in ("scope", "cell", "ttl")
            }
            lost = last[table][kind].keys() - item.keys() - counters - COME_AND_GO
            assert not lost, f"{table}, {kind}: nobody writes {lost} any more, but who reads it?"


@pytest.mark.parametrize("file", RELEASES, ids=lambda file: file.stem)
def test_somebody_whose_items_an_earlier_release_wrote_is_served_as_before(file: Path, inside: Platform) -> None:
    """The key opens, the account holds and settles, the run is shown, and the rows are counted."""
    items = read(file)
    key = items["KEYS"]["key"]
    holder = _put(inside, items, key)

    assert holder.told("GET", "/v1/key")["keyId"] == key["keyId"]
    holder.hello().raise_for_status()
    usage = items["USAGE"]["usage row"]
    shown = holder.told("GET", f"/v1/generations/{usage['id']}")
    assert shown["id"] == usage["id"]
    assert Fact.of(usage).adds.user_id == key["userId"]
    run = items["RUNS"]["run"]
    assert holder.told("GET", f"/v1/agents/runs/{run['runId']}")["status"] == run["status"]
    assert any(each["runId"] == run["runId"] for each in holder.told("GET", "/v1/agents/runs")["data"])
    below = holder.make()
    assert below.hello().status_code == 200


def _put(platform: Platform, items: dict[str, dict[str, Any]], key: dict[str, Any]) -> Holder:
    """The items in today's tables; the key with a secret that this test knows."""
    secret, salt = secrets.token_urlsafe(32), secrets.token_bytes(16)
    key |= {"salt": salt.hex(), "hash": hashed(salt, secret)}
    for table, kinds in items.items():
        kept = boto3.resource("dynamodb").Table(platform.environment[f"{table}_TABLE_NAME"])
        for item in kinds.values():
            kept.put_item(Item=item)
    return Holder(platform, key["userId"], key["keyId"], key["keyId"] + secret)
