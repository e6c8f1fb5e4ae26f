"""Who pays for whom: accounts, their lineage, and what follows from it for a key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from llm_core.accounts import tree
from llm_core.accounts.tree import Account
from llm_core.accounts.window import UNLIMITED
from llm_core.aws.writes import ConditionFailed, Write, together, update
from llm_core.errors import InvalidRequest, NotFound
from tests.llm_core.accounts.books import Books, soon


@pytest.mark.parametrize(
    "name", ["org:acme", "team:search", "user:ada@example.com", "key:sk-proj-abc", "run:r_1", "public:x"]
)
def test_what_is_an_account(name: str) -> None:
    assert tree.check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ada",
        "team:",
        "team:a#2026-11#0",
        "team:a b",
        "Team:a",
        "team:a:b",
        "user:" + "a" * 101,
        "team:a\n",
        "team:é",
    ],
)
def test_what_is_none(name: str) -> None:
    """A `#` would reach into the names of windows, and so into another account's money."""
    with pytest.raises(InvalidRequest) as refused:
        tree.check_name(name)
    assert refused.value.param == "account"


def test_an_account_is_found_with_what_it_may_spend_and_those_below_it(books: Books) -> None:
    books.open("org:o", month=1_000, day=100)
    books.open("team:b", "org:o", shards=3)
    books.open("team:a", "org:o", total=7)

    assert tree.find("org:o") == Account("org:o", None, {"month": 1_000, "day": 100}, 1, 1, ("team:a", "team:b"))
    assert (tree.find("team:b").shards, tree.find("team:a").limit("total")) == (3, 7)
    assert tree.find("team:a").limit("month") == UNLIMITED


def test_an_account_that_is_not_there_is_not_found(books: Books) -> None:
    with pytest.raises(NotFound, match="team:nobody"):
        tree.find("team:nobody")
    with pytest.raises(NotFound):
        tree.lineage("team:nobody")


NAMES = ["org:o", "team:t", "user:u", "key:a", "key:b"]


def test_a_lineage_ends_at_the_root_and_what_is_below_comes_nearest_first(books: Books) -> None:
    for name, parent in (
        ("org:o", None),
        ("team:t", "org:o"),
        ("user:u", "team:t"),
        ("key:a", "user:u"),
        ("key:b", "key:a"),
    ):
        books.open(name, parent)
    assert [each.name for each in tree.lineage("key:b")] == NAMES[::-1]
    assert [each.name for each in tree.below(tree.find("team:t"))] == NAMES[2:]


def test_nothing_is_opened_below_what_is_not_there(books: Books) -> None:
    with pytest.raises(NotFound):
        books.open("key:k", "team:nobody")
    with pytest.raises(NotFound):
        tree.find("key:k")


def test_nothing_is_opened_below_a_revoked_account(books: Books) -> None:
    books.open("user:u")
    update(Write(books.budgets, {"userId": "user:u"}, "SET #revoked = :yes", values={":yes": True}), soon())
    with pytest.raises(ConditionFailed):
        books.open("key:k", "user:u")
    with pytest.raises(NotFound):
        tree.find("key:k")


def test_accounts_stand_eight_deep(books: Books) -> None:
    books.open("key:0")
    for depth in range(1, tree.DEEPEST):
        books.open(f"key:{depth}", f"key:{depth - 1}")
    with pytest.raises(InvalidRequest, match="8 deep"):
        books.open("key:9", f"key:{tree.DEEPEST - 1}")


def test_an_account_is_opened_once(books: Books) -> None:
    books.open("team:t", month=5)
    with pytest.raises(ConditionFailed):
        books.open("team:t", month=9)
    assert tree.find("team:t").limit("month") == 5


def test_siblings_that_are_opened_at_once_are_all_children(books: Books) -> None:
    books.open("user:u")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: together(tree.opening(Account(f"key:{n}", "user:u")), soon()), range(24)))
    assert set(tree.find("user:u").children) == {f"key:{n}" for n in range(24)}
    assert tree.find("user:u").version == 1, "a child changes nobody's limits"


LINE = [
    Account("key:k", "user:u", {"month": 100, "day": 10}),
    Account("user:u", "team:t"),
    Account("team:t", "org:o", {"month": 500, "total": 9_000}, shards=4),
    Account("org:o", None, {"day": 40}),
]


def test_a_call_holds_on_every_limit_beside_its_keys_own_month() -> None:
    assert [(each["account"], each["kind"], each["shards"]) for each in tree.held_by(LINE)] == [
        ("key:k", "day", 1),
        ("team:t", "month", 4),
        ("team:t", "total", 4),
        ("org:o", "day", 1),
    ]
    assert tree.held_by([Account("key:k")]) == []


def test_a_key_may_hold_a_fifth_of_the_tightest_limit_above_it() -> None:
    """Its own limits do not count: they bound nobody else."""
    assert tree.cap(LINE) == 8
    assert tree.cap(LINE[:2]) == UNLIMITED
