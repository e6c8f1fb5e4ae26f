"""Callers without a key: what anybody may ask of this platform is paid from one purse a day.

    public:demo <- key:public-sayings, key:public-...

Each feature that is open to anybody is a caller of its own below the purse, so that usage and statistics tell them
apart. The accounts are opened when they are first needed; from then on `make budget ACCOUNT=public:demo DAILY=5` says
what a day may cost, and one call in flight never holds more than a fifth of that.
"""

from __future__ import annotations

from contextlib import suppress

from llm_core.accounts import tree
from llm_core.accounts.tree import Account
from llm_core.aws import table
from llm_core.aws.writes import ConditionFailed, together
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.settings import settings

PURSE = "public:demo"

FIRST_DAILY = 10**9
"""nano-USD: 1 USD a day (UTC), until somebody says otherwise."""

_SECONDS = 5.0

_opened: set[str] = set()


def caller(feature: str) -> Caller:
    """Whoever uses this feature. Raises StoreUnavailable."""
    found = Caller(key_id=f"public-{feature}", user_id="public", scopes=frozenset({"ai:complete"}))
    if found.account not in _opened:
        if table.get(settings().need("budgets_table_name"), {"userId": found.account}) is None:
            _open(Account(PURSE, limits={"day": FIRST_DAILY}))
            _open(Account(found.account, PURSE))
        _opened.add(found.account)
    return found


def _open(account: Account) -> None:
    with suppress(ConditionFailed):  # it is open
        together(tree.opening(account), Deadline.after(_SECONDS))
