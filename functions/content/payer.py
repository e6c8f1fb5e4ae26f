"""Who pays for the writing agents: a key of theirs below the user `writers`, whose secret nobody ever saw.

`make budget ACCOUNT=user:writers DAILY=20` says what they may spend, `make revoke` ends them.
"""

from __future__ import annotations

from content.store import table_name
from llm_core import callers, keys
from llm_core.aws import table
from llm_core.callers import Caller
from llm_core.errors import NotAllowed, Unauthorized

USER = "writers"
FIRST_DAILY = 5 * 10**9
"""nano-USD: 5 USD a day (UTC) for this key."""

_ITEM = {"postId": "payer", "type": "agent_task"}


def caller() -> Caller:
    """Raises NotAllowed when the key was revoked, StoreUnavailable."""
    item = table.get(table_name(), _ITEM)
    if item is None:
        terms = keys.Terms(frozenset({"agent:run", "ai:complete"}), limits={"day": FIRST_DAILY})
        item = {**_ITEM, "keyId": keys.create("the writing agents", user_id=USER, terms=terms).key_id}
        try:
            table.put_new(table_name(), item, key="postId")
        except table.AlreadyThere as there:  # somebody else was faster; a key without a secret harms nobody
            item = there.item
    try:
        return callers.vouched(item["keyId"])
    except Unauthorized as error:
        raise NotAllowed("The writing agents' key was revoked, so they rest. An operator ended them.") from error
