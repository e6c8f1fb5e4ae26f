"""Accounts of users, teams and organisations, and their limits: an operator's, and each act is written down."""

from __future__ import annotations

from collections.abc import Mapping

from llm_core import audit
from llm_core.accounts import limits, tree
from llm_core.accounts.tree import Account
from llm_core.accounts.window import Kind
from llm_core.aws.writes import ConditionFailed, Write, together
from llm_core.deadline import Deadline
from llm_core.errors import InvalidRequest, NotFound
from llm_core.terms import told

_ORDER = ("user", "team", "org")
"""Each may stand below those after it."""

_ALONE = ("public",)
"""These stand below nobody: what is open to anybody is the platform's own cost."""

_SECONDS = 10.0


def opened(name: str, *, parent: str | None = None, shards: int | None = None, by: str = audit.OPERATOR) -> Account:
    """The account, opened now if there is none; `shards` is how many items its windows are split over (1).

    An account stays where it was opened. Raises InvalidRequest for another place than its own, NotFound without the
    parent, StoreUnavailable.
    """
    try:
        return _as_asked(tree.find(tree.check_name(name)), parent, shards)
    except NotFound:
        _check_place(name, parent)
    account = Account(name, parent, shards=shards or 1)
    after = {"parent": parent, "shards": account.shards}
    act = audit.act(_partition(name), by=by, what="account.open", subject=name, before={}, after=after)
    try:
        together([*tree.opening(account), act], Deadline.after(_SECONDS))
    except ConditionFailed:
        return _as_asked(tree.find(name), parent, shards)  # somebody else opened it
    return account


def limited(name: str, asked: Mapping[Kind, int | None], *, deadline: Deadline, by: str = audit.OPERATOR) -> Account:
    """Set limits of any account, in nano-USD, None for none; at once. Raises NotFound, InvalidRequest."""

    def act(before: Account, after: Account) -> list[Write]:
        facts = {"limits": told(before.limits)}, {"limits": told(after.limits)}
        row = audit.act(_partition(name), by=by, what="account.limit", subject=name, before=facts[0], after=facts[1])
        return [row]

    return limits.change(name, asked, act, deadline)


def _as_asked(found: Account, parent: str | None, shards: int | None) -> Account:
    if parent is not None and found.parent != parent:
        where = f"below {found.parent}" if found.parent else "by itself"
        raise InvalidRequest(f"{found.name} stands {where} and stays there: accounts do not move.", param="parent")
    if shards is not None and found.shards != shards:
        words = f"The windows of {found.name} are split over {found.shards}, as it was opened. That does not change."
        raise InvalidRequest(words, param="shards")
    return found


def _check_place(name: str, parent: str | None) -> None:
    kind, above = (each and each.partition(":")[0] for each in (name, parent))
    if kind not in (*_ORDER, *_ALONE):
        raise InvalidRequest(
            f"There is no account {name!r}, and only user:, team:, org: and public: are opened.", param="account"
        )
    if above is not None and (kind in _ALONE or above not in _ORDER or _ORDER.index(above) <= _ORDER.index(kind)):
        raise InvalidRequest(
            f"{name} cannot stand below {parent}: users stand in teams, teams in orgs.", param="parent"
        )


def _partition(name: str) -> str:
    """Where the audit table keeps what was done to an account: with its user, if it is one's."""
    return name.removeprefix("user:")
