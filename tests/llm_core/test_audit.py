"""What was administered stands in the audit table, or it did not happen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from llm_core import audit, callers, keys
from llm_core.aws import table
from llm_core.aws.writes import ConditionFailed, Write, together, update
from llm_core.errors import NotAllowed, Unauthorized
from llm_core.money import NANO
from llm_core.settings import settings
from tests.llm_core.accounts.books import Books, soon


def acts(user: str) -> list[dict[str, Any]]:
    return list(table.query(settings().audit_table_name, {"account": user}, between=("at", "0", "9")))


@pytest.fixture
def user() -> str:
    return f"user-{uuid4().hex[:8]}"


def test_a_key_that_is_made_is_written_down_with_all_it_may(books: Books, user: str) -> None:
    terms = keys.Terms({"ai:complete"}, {"month": 5 * NANO, "day": NANO // 2}, requests_per_minute=7)
    made = keys.create("notebook", user_id=user, terms=terms, by="sk-proj-aboveabove12")
    opened, act = acts(user)
    assert (opened["by"], opened["what"]) == ("sk-proj-aboveabove12", "account.open")
    assert (act["by"], act["what"], act["subject"], act["before"]) == (
        "sk-proj-aboveabove12", "key.create", made.key_id, {},
    )  # fmt: skip
    assert (act["after"]["name"], act["after"]["scopes"]) == ("notebook", ["ai:complete"])
    assert act["after"]["requestsPerMinute"] == 7
    assert act["at"][:4].isdigit()
    assert made.api_key[20:] not in str(act), "a secret is shown once and kept nowhere"


def test_a_key_that_could_not_be_made_leaves_no_trace(books: Books, user: str) -> None:
    keys.open_user(user)
    write = Write(books.budgets, {"userId": f"user:{user}"}, "SET #revoked = :yes", values={":yes": True})
    update(write, soon())
    with pytest.raises(NotAllowed):
        keys.create("notebook", user_id=user, terms=keys.Terms({"ai:complete"}))
    assert [act["what"] for act in acts(user)] == ["account.open"]


def test_an_act_whose_step_fails_is_not_written_down(books: Books, user: str) -> None:
    row = audit.act(user, by="operator", what="limits", subject="team:t", before={"month": "1"}, after={"month": "2"})
    missing = Write(books.budgets, {"userId": "nobody"}, condition="attribute_exists(#userId)")
    with pytest.raises(ConditionFailed):
        together([row, missing], soon())
    assert acts(user) == []


def test_acts_at_the_same_moment_are_all_there_in_their_order(books: Books, user: str) -> None:
    def done(number: int) -> None:
        row = audit.act(user, by="operator", what=f"act {number}", subject="s", before={}, after={})
        together([row], soon())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(done, range(24)))
    assert {act["what"] for act in acts(user)} == {f"act {number}" for number in range(24)}
    assert [act["at"] for act in acts(user)] == sorted(act["at"] for act in acts(user))


def test_keys_of_a_new_user_that_are_made_at_once_share_its_account(books: Books, user: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        terms = keys.Terms({"ai:complete"})
        made = list(pool.map(lambda n: keys.create(f"key {n}", user_id=user, terms=terms), range(4)))
    assert {callers.identify(each.api_key).user_id for each in made} == {user}
    assert sorted(act["what"] for act in acts(user)) == ["account.open", *["key.create"] * 4]
    with pytest.raises(Unauthorized):
        callers.identify(made[0].api_key[:-1] + ("A" if made[0].api_key[-1] != "A" else "B"))
