"""Keys: shown once, kept as hashes, believed for half a minute."""

from datetime import UTC, datetime, timedelta

import pytest

from llm_core import callers
from llm_core.aws import clients, table
from llm_core.callers import SCOPES, identify
from llm_core.errors import InsufficientScope, InvalidRequest, Unauthorized
from llm_core.keys import Terms, create
from tests.conftest import Platform


def test_a_key_proves_its_caller(inside: Platform) -> None:
    key = create("mine", user_id="ada", terms=Terms({"ai:complete"}))
    caller = identify(key.api_key)
    assert (caller.key_id, caller.user_id, caller.scopes) == (key.key_id, "ada", frozenset({"ai:complete"}))


def test_a_key_has_a_prefix_for_scanners_and_a_public_id_for_people(inside: Platform) -> None:
    key = create("mine", user_id="ada", terms=Terms(SCOPES))
    assert key.api_key.startswith("sk-proj-")
    assert key.key_id == key.api_key[:20]
    assert len(key.api_key) == 8 + 12 + 43


def test_the_table_keeps_no_key_only_a_salted_hash(inside: Platform) -> None:
    one, other = (create("same", user_id="ada", terms=Terms(SCOPES)) for _ in range(2))
    items = [table.get(inside.environment["KEYS_TABLE_NAME"], {"keyId": key.key_id}) for key in (one, other)]
    assert items[0] is not None
    assert items[1] is not None
    assert one.api_key[20:] not in str(items[0])
    assert items[0]["salt"] != items[1]["salt"]


def test_a_good_id_with_another_secret_is_nobody(inside: Platform) -> None:
    one, other = (create("same", user_id="ada", terms=Terms(SCOPES)) for _ in range(2))
    with pytest.raises(Unauthorized):
        identify(one.key_id + other.api_key[20:])


@pytest.mark.parametrize("key", [None, "", "sk-proj-", "x" * 63, "sk-proj-" + "a" * 55, "sk-proj-" + "é" * 55])
def test_no_key_a_strange_key_and_an_unknown_key_are_the_same_to_us(inside: Platform, key: str | None) -> None:
    with pytest.raises(Unauthorized, match="not valid here"):
        identify(key)


def test_an_expired_key_is_nobody(inside: Platform) -> None:
    now = datetime.now(UTC)
    still = create("today", user_id="ada", terms=Terms(SCOPES, expires_at=now + timedelta(minutes=1)))
    gone = create("yesterday", user_id="ada", terms=Terms(SCOPES, expires_at=now - timedelta(seconds=1)))
    assert identify(still.api_key).user_id == "ada"
    with pytest.raises(Unauthorized):
        identify(gone.api_key)


def test_a_revocation_counts_once_the_cache_has_aged(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    key = create("mine", user_id="ada", terms=Terms(SCOPES))
    identify(key.api_key)
    clients.dynamodb().update_item(
        TableName=inside.environment["KEYS_TABLE_NAME"],
        Key={"keyId": {"S": key.key_id}},
        UpdateExpression="SET revokedAt = :now",
        ExpressionAttributeValues={":now": {"N": "1"}},
    )
    assert identify(key.api_key), "believed for at most 30 seconds"
    monkeypatch.setattr("llm_core.callers.time.monotonic", lambda: 10.0**9)
    with pytest.raises(Unauthorized):
        identify(key.api_key)


def test_an_unknown_key_is_not_remembered_so_a_new_one_works_at_once(inside: Platform) -> None:
    key = create("mine", user_id="ada", terms=Terms(SCOPES))
    item = table.get(inside.environment["KEYS_TABLE_NAME"], {"keyId": key.key_id})
    clients.dynamodb().delete_item(TableName=inside.environment["KEYS_TABLE_NAME"], Key={"keyId": {"S": key.key_id}})
    with pytest.raises(Unauthorized):
        identify(key.api_key)
    assert item is not None
    table.put_new(inside.environment["KEYS_TABLE_NAME"], item, key="keyId")
    assert identify(key.api_key).user_id == "ada"


def test_the_cache_is_bounded(inside: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "_CACHE_SIZE", 3)
    for _ in range(5):
        identify(create("many", user_id="ada", terms=Terms(SCOPES)).api_key)
    assert len(callers._found) <= 3


def test_an_unknown_scope_makes_no_key(inside: Platform) -> None:
    with pytest.raises(InvalidRequest, match="ai:complete"):
        create("wide", user_id="ada", terms=Terms({"ai:everything"}))


def test_a_missing_scope_is_named(inside: Platform) -> None:
    caller = identify(create("narrow", user_id="ada", terms=Terms({"ai:embed"})).api_key)
    caller.require("ai:embed")
    with pytest.raises(InsufficientScope, match="ai:complete"):
        caller.require("ai:complete")
