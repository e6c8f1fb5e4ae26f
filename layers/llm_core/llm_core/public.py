"""Callers without a key: what anybody may ask of this platform is paid from one purse a day.

    public:demo <- key:public-sayings, key:public-...
    user:evaluations <- key:own-evaluations: what the platform asks for itself, from a purse of that task's

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
    return _paid(Caller(key_id=f"public-{feature}", user_id="public", scopes=frozenset({"ai:complete"})), PURSE)


def own(task: str) -> Caller:
    """The platform itself, at a task such as evaluations, with a purse `user:<task>`. Raises StoreUnavailable."""
    return _paid(Caller(key_id=f"own-{task}", user_id=task, scopes=frozenset({"ai:complete"})), f"user:{task}")


def _paid(caller: Caller, purse: str) -> Caller:
    """The caller, with the accounts that pay for it open."""
    if caller.account not in _opened:
        if table.get(settings().need("budgets_table_name"), {"userId": caller.account}) is None:
            _open(Account(purse, limits={"day": FIRST_DAILY}))
            _open(Account(caller.account, purse))
        _opened.add(caller.account)
    return caller


def _open(account: Account) -> None:
    with suppress(ConditionFailed):  # it is open
        together(tree.opening(account), Deadline.after(_SECONDS))
