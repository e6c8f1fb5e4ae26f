"""A key's secret: another one, the end of it, and the provider keys that go with it."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from llm_core import audit, byok, credentials, keyring, keys
from llm_core.accounts import tree
from llm_core.aws import clients, table
from llm_core.aws.writes import update
from llm_core.callers import SCOPES, Caller, identify
from llm_core.deadline import Deadline
from llm_core.errors import DeadlineExceeded, InvalidRequest, NotAllowed, NotFound, Unauthorized
from llm_core.keyring import Change
from llm_core.keys import NewKey, Terms
from llm_core.settings import settings
from tests.conftest import Platform


@pytest.fixture
def above(inside: Platform) -> Caller:
    return identify(keys.create("above", user_id=f"user-{secrets.token_hex(6)}", terms=Terms(SCOPES)).api_key)


def below(caller: Caller, **terms: object) -> NewKey:
    asked = Terms(**{"scopes": SCOPES, **terms})  # type: ignore[arg-type]
    return keys.create("below", user_id=caller.user_id, terms=asked, parent=caller.account, by=caller.key_id)


def soon() -> Deadline:
    return Deadline.after(5)


def test_a_secret_is_replaced(above: Caller) -> None:
    child = below(above)
    made = credentials.rotate(child.key_id, above.key_id, soon())
    assert identify(made.api_key).key_id == child.key_id
    with pytest.raises(Unauthorized):
        identify(child.api_key)


def test_the_end_is_for_all_below_and_for_good(above: Caller) -> None:
    child = below(above)
    grandchild = below(identify(child.api_key))
    assert credentials.revoke(child.key_id, above.key_id, soon()) == [child.key_id, grandchild.key_id]
    at = keys.find(child.key_id).revoked_at
    assert credentials.revoke(child.key_id, above.key_id, soon()) == []
    assert keys.find(child.key_id).revoked_at == at is not None
    for made in (child, grandchild):
        with pytest.raises(Unauthorized):
            identify(made.api_key)
        with pytest.raises(InvalidRequest, match="revoked"):
            credentials.rotate(made.key_id, above.key_id, soon())
        with pytest.raises(InvalidRequest, match="revoked"):
            keyring.change(above, made.key_id, Change("x"), soon())
    with pytest.raises(NotAllowed, match="revoked"):
        keys.create("late", user_id=above.user_id, terms=Terms(SCOPES), parent=f"key:{child.key_id}")
    assert identify(below(above).api_key)


def test_an_account_that_is_closed_takes_no_key(above: Caller) -> None:
    """As while a revocation is under way, whose keys still work."""
    update(tree.closing(above.account), soon())
    with pytest.raises(NotAllowed, match="not open"):
        below(above)


def test_every_act_has_its_row_and_no_secret_is_in_one(above: Caller) -> None:
    child = below(above)
    keyring.change(above, child.key_id, Change(terms={"scopes": ["keys:write"]}), soon())
    made = credentials.rotate(child.key_id, above.key_id, soon())
    credentials.revoke(child.key_id, audit.OPERATOR, soon())
    rows = list(table.query(settings().audit_table_name, {"account": above.user_id}, between=("at", "0", "9")))
    assert [(row["what"], row["by"]) for row in rows if row["subject"] == child.key_id] == [
        ("key.create", above.key_id),
        ("key.change", above.key_id),
        ("key.rotate", above.key_id),
        ("key.revoke", audit.OPERATOR),
    ]
    item = table.get(settings().keys_table_name, {"keyId": child.key_id})
    assert item
    for secret in (child.api_key[20:], made.api_key[20:], item["hash"], item["salt"]):
        assert secret not in str(rows)


def test_what_somebody_else_keeps_changing_is_given_up_in_time(above: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    child = below(above)
    item = table.get(settings().keys_table_name, {"keyId": child.key_id})
    late = replace(keys.find(child.key_id), version=0)
    monkeypatch.setattr("llm_core.keys.find", lambda _: late)
    with pytest.raises(DeadlineExceeded):
        credentials.rotate(child.key_id, above.key_id, Deadline.after(0.05))
    assert table.get(settings().keys_table_name, {"keyId": child.key_id}) == item


def test_a_provider_key_is_kept_and_withheld_by_name(above: Caller) -> None:
    child = below(above)
    for _ in range(2):
        credentials.provide(child.key_id, "anthropic", "own-key-0123456789", above.key_id, soon())
        assert keys.find(child.key_id).providers == ("anthropic",)
        assert identify(child.api_key).providers == ("anthropic",)
    for _ in range(2):
        credentials.withhold(child.key_id, "anthropic", above.key_id, soon())
        assert keys.find(child.key_id).providers == ()
    with pytest.raises(NotFound, match="nobody"):
        credentials.withhold(child.key_id, "nobody", above.key_id, soon())


def test_a_provider_key_that_comes_too_late_is_not_kept(above: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key ends between the look at it and the writing down."""
    child = below(above)
    store = byok.store

    def slow(key_id: str, provider: str, secret: str) -> None:
        store(key_id, provider, secret)
        credentials.revoke(key_id, above.key_id, soon())

    monkeypatch.setattr("llm_core.byok.store", slow)
    with pytest.raises(InvalidRequest, match="revoked"):
        credentials.provide(child.key_id, "openai", "own-key-0123456789", above.key_id, soon())
    path = f"{settings().byok_path}/{child.key_id}"
    assert clients.ssm().get_parameters_by_path(Path=path)["Parameters"] == []


def test_a_leaked_key_and_all_below_it_are_over_before_anything_else(above: Caller) -> None:
    """It may have made more keys than can be ended in the time that is left."""
    leaked = below(above)
    made = [below(identify(leaked.api_key)) for _ in range(3)]
    last = below(identify(made[0].api_key))
    with pytest.raises(DeadlineExceeded):
        credentials.revoke(leaked.key_id, above.key_id, Deadline.after(0))
    for each in (leaked, *made, last):
        with pytest.raises(Unauthorized):
            identify(each.api_key)
    assert keys.find(last.key_id).revoked_at is None, "nobody has come to it yet"

    ended = credentials.revoke(leaked.key_id, above.key_id, soon())
    assert sorted(ended) == sorted(each.key_id for each in (*made, last))
    assert not keys.find(leaked.key_id).ending
    assert identify(below(above).api_key)


def test_an_end_within_an_end_that_was_not_finished_is_finished_by_the_larger(above: Caller) -> None:
    child = below(above)
    grandchild = below(identify(child.api_key))
    with pytest.raises(DeadlineExceeded):
        credentials.revoke(child.key_id, above.key_id, Deadline.after(0))
    assert credentials.revoke(above.key_id, audit.OPERATOR, soon()) == [above.key_id, grandchild.key_id]
    assert not keys.find(child.key_id).ending


def test_only_so_many_living_keys_stand_right_below_one(above: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MOST_LIVING", 2)
    first, _ = below(above), below(above)
    with pytest.raises(NotAllowed, match="Too many keys"):
        below(above)
    credentials.revoke(first.key_id, above.key_id, soon())
    assert identify(below(above).api_key), "one has made room"
    monkeypatch.setattr(tree, "MOST_CHILDREN", 3)
    credentials.revoke(first.key_id, above.key_id, soon())
    with pytest.raises(NotAllowed, match="Too many keys"):
        below(above)


def test_whoever_dies_while_a_provider_key_is_kept_leaves_none_behind(
    above: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies in Parameter Store, and the key's item does not name it yet."""
    child = below(above)
    with monkeypatch.context() as dying:
        dying.setattr("llm_core.credentials._provided", lambda *_, **__: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            credentials.provide(child.key_id, "openai", "own-key-0123456789", above.key_id, soon())
    path = f"{settings().byok_path}/{child.key_id}"
    assert len(clients.ssm().get_parameters_by_path(Path=path)["Parameters"]) == 1
    assert keys.find(child.key_id).providers == ()
    credentials.revoke(child.key_id, above.key_id, soon())
    assert clients.ssm().get_parameters_by_path(Path=path)["Parameters"] == []


def test_the_end_forgets_what_was_kept(above: Caller) -> None:
    child = below(above)
    credentials.provide(child.key_id, "openai", "own-key-0123456789", above.key_id, soon())
    credentials.revoke(above.key_id, above.key_id, soon())
    path = f"{settings().byok_path}/{child.key_id}"
    assert clients.ssm().get_parameters_by_path(Path=path)["Parameters"] == []
