"""The last row of a call that no answer ended: the sweeper writes it for the dead, a caller that failed for itself.

How a call ended is what its rows say, in whichever table a hold can still not be given back.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from llm_core import ledger
from llm_core.accounts.steps import Entry, remembered
from llm_core.accounts.window import Window
from llm_core.aws.table import Item
from llm_core.errors import LedgerUnavailable
from llm_core.ledger import Row, Written
from llm_core.messages import Usage
from llm_core.money import without_markup
from llm_core.settings import settings

ABANDONED = "abandoned"
"""The outcome of a call that asked no provider, or no other one: free beyond the attempts before."""

UNSEEN = "unseen"
"""The outcome of a call that died while a provider may have been at work: booked at its ceiling."""

NO_ATTEMPT = frozenset({ABANDONED, ledger.UNDONE})
"""Outcomes of rows for which no provider was asked."""


def row(call_id: str, own: Window, entry: Entry, attempt: int, *, charged: int | None, swept: bool) -> Row:
    """`entry`: its hold in the key's own window. `charged`: nano-USD for what nobody saw, None if nobody was asked."""
    operation, _, model = entry.model.partition(" ")
    provider, _, name = model.partition("/")
    return Row(
        id=call_id,
        user_id=entry.user,
        key_id=own.account.removeprefix("key:"),
        operation=operation,
        requested_model=model,
        provider=provider,
        model=name,
        attempt=attempt,
        fallback=False,
        outcome=ABANDONED if charged is None else UNSEEN,
        usage=Usage(),
        cost=without_markup(charged or 0, settings().markup_percent),
        charged=charged or 0,
        estimated=charged is not None,
        price_version="",
        latency_ms=0,
        swept=swept,
    )


def ended(rows: Sequence[Item]) -> bool:
    """Whether the last row is the call's last: after a failure another attempt may have begun."""
    if not rows or rows[-1]["outcome"] == ledger.UNDONE:
        return False
    return rows[-1]["outcome"] in ("ok", ABANDONED) or bool(rows[-1]["swept"])


def abandon(call_id: str, own: Window, entry: Entry, attempts: int) -> None:
    """Say that after so many attempts nobody is asked any more, though the hold is still open, or may yet arrive.

    The sweeper then books those attempts, instead of all that is held; where it was faster, this takes the place of its
    estimate. Where this fails too, nobody can tell it from a death: the log has the row.
    """
    last = row(call_id, own, entry, attempts + 1, charged=None, swept=False)
    with suppress(LedgerUnavailable):
        try:
            ledger.record(last)
        except Written as there:
            if there.swept:
                ledger.correct(last, there.version, [remembered(own, call_id)])
