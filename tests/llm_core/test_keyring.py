"""The keys that a key reaches: what becomes of them, in the rooms behind the door."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from llm_core import credentials, eligible, keyring, keys, routing
from llm_core.accounts import tree
from llm_core.aws.stage_catalog import catalog
from llm_core.callers import SCOPES, Caller, identify
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest, NotFound
from llm_core.keyring import Change
from llm_core.keys import NewKey, Terms
from tests.conftest import Platform


@pytest.fixture
def above(inside: Platform) -> Caller:
    return identify(keys.create("above", user_id=f"user-{secrets.token_hex(6)}", terms=Terms(SCOPES)).api_key)


def below(caller: Caller, **terms: object) -> NewKey:
    asked = Terms(**{"scopes": SCOPES, **terms})  # type: ignore[arg-type]
    return keys.create("below", user_id=caller.user_id, terms=asked, parent=caller.account, by=caller.key_id)


def soon() -> Deadline:
    return Deadline.after(5)


def test_a_key_reaches_itself_and_what_is_below_it_at_any_depth(above: Caller) -> None:
    child = below(above)
    grandchild = below(identify(child.api_key))
    for key_id in (above.key_id, child.key_id, grandchild.key_id):
        assert keyring.reach(above, key_id).key_id == key_id
    assert [key.key_id for key, _ in keyring.reached(above)] == [above.key_id, child.key_id, grandchild.key_id]
    for key_id in (above.key_id, "sk-proj-000000000000", "", "user:ada", f"{child.key_id}x"):
        with pytest.raises(NotFound, match=r"^There is no such key\.$"):
            keyring.reach(identify(child.api_key), key_id)


def test_keys_stand_only_so_deep(above: Caller) -> None:
    caller = above
    while len(tree.lineage(caller.account)) < tree.DEEPEST:
        caller = identify(below(caller).api_key)
    with pytest.raises(InvalidRequest, match="deep"):
        below(caller)


def test_a_change_is_read_back_and_what_is_not_named_stays(above: Caller) -> None:
    child = below(above, limits={"month": 7}, requests_per_minute=9)
    changed = keyring.change(above, child.key_id, Change("new", {"day": 3}, {"scopes": ["ai:embed"]}), soon())
    assert (changed.name, changed.terms.scopes, changed.terms.requests_per_minute) == ("new", {"ai:embed"}, 9)
    assert tree.find(f"key:{child.key_id}").limits == {"month": 7, "day": 3}


def test_a_cut_that_was_interrupted_cuts_all_the_same(above: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key may never more at a call than each key above it may then, whatever stands in its own item."""
    terms = Terms(SCOPES, requests_per_minute=100, models=("smart", "fast"))
    child = keys.create("child", user_id=above.user_id, terms=terms, parent=above.account)
    last = keys.create("last", user_id=above.user_id, terms=Terms(SCOPES), parent=f"key:{child.key_id}")
    narrow = Change(terms={"scopes": ("ai:complete",), "requests_per_minute": 5, "models": ("fast",)})
    with monkeypatch.context() as dying:
        dying.setattr("llm_core.keyring._cut_below", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            keyring.change(above, child.key_id, narrow, Deadline.after(5))
    assert keys.find(last.key_id).terms.scopes == SCOPES
    found = identify(last.api_key)
    assert (found.scopes, found.requests_per_minute) == (frozenset({"ai:complete"}), 5)
    smart = catalog().model(next(iter(routing.models(["smart"], catalog()))))
    assert eligible.permitted(found, [smart]) == []
    keyring.change(above, child.key_id, narrow, Deadline.after(5))
    assert keys.find(last.key_id).terms.scopes == frozenset({"ai:complete"}), "said again, it is finished"


def test_what_is_narrowed_is_narrowed_below(above: Caller) -> None:
    child = below(above)
    grandchild = below(identify(child.api_key))
    ended = below(identify(child.api_key))
    credentials.revoke(ended.key_id, above.key_id, soon())
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    keyring.change(above, child.key_id, Change(terms={"expires_at": until, "models": ("fast",)}), soon())
    found = keys.find(grandchild.key_id)
    assert (found.terms.expires_at, found.terms.models, found.version) == (until, ("fast",), 2)
    assert keys.find(ended.key_id).terms.expires_at is None
