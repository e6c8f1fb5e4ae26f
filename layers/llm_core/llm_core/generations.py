"""A call by the id that its answer shows: while it runs it is a hold, later usage rows; and it can be told to stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from llm_core import ledger
from llm_core.accounts import marks, tree
from llm_core.accounts.marks import Running
from llm_core.aws import table
from llm_core.callers import Caller
from llm_core.deadline import Deadline
from llm_core.errors import NotFound


@dataclass(frozen=True, slots=True)
class Generation:
    """`rows` are the attempts that are over, first attempt first; `running` is None once the call is."""

    rows: Sequence[table.Item]
    running: Running | None


def find(caller: Caller, shown: str, deadline: Deadline) -> Generation:
    """A call that the caller's key sees in the usage, too; one without a row yet only of this key or of those below it.

    Raises NotFound, also for somebody else's, StoreUnavailable.
    """
    call_id, made = ledger.parsed(shown)
    if rows := _rows(caller, call_id):
        ended = rows[-1]["outcome"] == "ok"  # after a failure another attempt may be under way
        return Generation(rows, None if ended else marks.find(f"key:{rows[0]['keyId']}", call_id, made))
    own = tree.find(caller.account)
    for account in (own, *tree.below(own)):
        deadline.remaining()
        if running := marks.find(account.name, call_id, made):
            return Generation((), running)
    if rows := _rows(caller, call_id):  # it ended between the two looks
        return Generation(rows, None)
    raise ledger.unknown(shown)


def cancel(caller: Caller, shown: str, deadline: Deadline) -> Literal["cancelling", "ended"]:
    """Tell a call of the caller's own key, or of one below it, to stop. Saying it again changes nothing.

    Raises NotFound, also for somebody else's, StoreUnavailable.
    """
    found = find(caller, shown, deadline)
    if found.rows and all(each.name != caller.account for each in tree.lineage(f"key:{found.rows[0]['keyId']}")):
        raise ledger.unknown(shown)
    return "cancelling" if found.running and marks.stop(found.running, deadline) else "ended"


def _rows(caller: Caller, call_id: str) -> list[table.Item]:
    try:
        rows = ledger.attempts(caller.user_id, call_id)
    except NotFound:
        return []
    seen = tree.seen(caller.account)
    return rows if seen is None or rows[0]["keyId"] in seen else []
