"""Other Lambda functions, handed what takes longer than an answer may: a Lambda's threads stop when it has answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from llm_core.aws import clients
from llm_core.aws.table import unavailable


def begin(function: str, event: Mapping[str, Any]) -> None:
    """Let it run with this event, and do not wait for it. Raises StoreUnavailable when nobody takes the event."""
    try:
        clients.functions().invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event))
    except clients.FAILURES as error:
        raise unavailable(error) from error
