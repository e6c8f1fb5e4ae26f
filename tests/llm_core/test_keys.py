"""How a key is made and kept: its item, its account and its audit row together, or none of them."""

from __future__ import annotations

import secrets
from itertools import chain

import pytest

from llm_core import audit, callers, keys
from llm_core.accounts import tree
from llm_core.aws import table
from llm_core.errors import InvalidRequest, NotAllowed, NotFound
from llm_core.keys import Terms
from llm_core.settings import settings
from tests.conftest import Platform


@pytest.fixture
def user(inside: Platform) -> str:
    return f"user-{secrets.token_hex(6)}"


def test_a_key_is_read_back_as_it_was_made(user: str) -> None:
    terms = Terms({"ai:complete"}, limits={"month": 7}, requests_per_minute=3, models=("fast",), policy="refuse")
    made = keys.create("mine", user_id=user, terms=terms)
    found = keys.find(made.key_id)
    assert (found.name, found.user_id, found.parent, found.version) == ("mine", user, f"user:{user}", 1)
    assert found.terms.stored == terms.stored
    assert (found.revoked_at, found.providers, found.account) == (None, (), f"key:{made.key_id}")
    assert tree.find(found.account).limits == {"month": 7}
    opened, act = table.query(settings().audit_table_name, {"account": user}, between=("at", "0", "9"))
    assert (opened["by"], opened["what"], opened["subject"]) == (audit.OPERATOR, "account.open", f"user:{user}")
    assert (act["by"], act["what"], act["subject"]) == (audit.OPERATOR, "key.create", made.key_id)
    assert made.api_key[20:] not in str(act)


def test_an_id_that_is_taken_is_drawn_again(user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = keys.create("first", user_id=user, terms=Terms({"ai:complete"}))
    before = table.get(settings().keys_table_name, {"keyId": first.key_id})
    letters = chain(first.key_id.removeprefix("sk-proj-"), iter(lambda: secrets.token_hex(1)[0], ""))
    monkeypatch.setattr("llm_core.keys.secrets.choice", lambda _: next(letters))
    second = keys.create("second", user_id=user, terms=Terms({"ai:embed"}))
    assert second.key_id != first.key_id
    assert table.get(settings().keys_table_name, {"keyId": first.key_id}) == before


def test_what_is_not_to_be_leaves_no_trace(user: str) -> None:
    above = keys.create("above", user_id=user, terms=Terms({"ai:complete", "keys:write"}))
    parent = f"key:{above.key_id}"
    for terms, error in (
        (Terms({"ai:embed"}), NotAllowed),
        (Terms({"root"}), InvalidRequest),
        (Terms({"ai:complete"}, models=("gpt-99",)), InvalidRequest),
    ):
        with pytest.raises(error):
            keys.create("no", user_id=user, terms=terms, parent=parent)
    assert tree.find(parent).children == ()
    assert len(list(table.query(settings().audit_table_name, {"account": user}, between=("at", "0", "9")))) == 2


def test_a_key_below_has_what_it_is_not_given_from_the_one_above(user: str) -> None:
    bound = Terms(callers.SCOPES, requests_per_minute=60, tokens_per_minute=9, models=("fast",))
    above = keys.create("above", user_id=user, terms=bound)
    made = keys.create("below", user_id=user, terms=Terms({"ai:complete"}), parent=f"key:{above.key_id}")
    found = keys.find(made.key_id).terms
    assert (found.requests_per_minute, found.tokens_per_minute, found.models) == (60, 9, ("fast",))


def test_there_is_no_key_below_one_that_is_none(user: str) -> None:
    with pytest.raises(NotFound):
        keys.create("orphan", user_id=user, terms=Terms({"ai:complete"}), parent="key:sk-proj-000000000000")
    with pytest.raises(NotFound, match=r"^There is no such key\.$"):
        keys.find("sk-proj-000000000000")
