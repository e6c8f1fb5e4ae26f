"""What is kept of the live socket, in one table; all of it may be lost with the connections it is about.

ticket#<hash> | ticket          whose it is, until when
<connection>  | connection      whose it is
<connection>  | answer#<id>     a completion that is being written for it
<connection>  | run#<run>       that it watches this run
<run>         | run#<connection>  the same, from the other side: the last event that was sent
<run>         | watcher         who sends the events of this run
"""

from __future__ import annotations

import time

from llm_core.aws import table
from llm_core.errors import Unauthorized
from llm_core.settings import settings

KEPT_SECONDS = 7_500
"""API Gateway closes every connection after two hours."""

ITSELF = "connection"
RUN = "run#"
_LAST = "~"


def live_table() -> str:
    return settings().need("live_table_name")


def open(connection: str, key_id: str) -> None:
    """Raises StoreUnavailable."""
    item = {"name": connection, "item": ITSELF, "keyId": key_id, "ttl": int(time.time()) + KEPT_SECONDS}
    table.put_new(live_table(), item, key="name")


def key_of(connection: str) -> str:
    """The key whose ticket opened it. Raises Unauthorized when it is closed, StoreUnavailable."""
    found = table.get(live_table(), {"name": connection, "item": ITSELF})
    if found is None:
        raise Unauthorized("This connection is not known any more. Open another one.")
    key_id: str = found["keyId"]
    return key_id


def close(connection: str) -> None:
    """Forget it and all that was done for it: answers for it end soon. Raises StoreUnavailable."""
    for item in table.query(live_table(), {"name": connection}, between=("item", " ", _LAST)):
        if item["item"].startswith(RUN):
            table.take(live_table(), {"name": item["item"].removeprefix(RUN), "item": f"{RUN}{connection}"})
        table.take(live_table(), {"name": connection, "item": item["item"]})
