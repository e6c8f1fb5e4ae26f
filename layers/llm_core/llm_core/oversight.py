"""Admins who look at what is everybody's: who they are, and that their look is written down."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from llm_core import audit
from llm_core.aws.writes import ConditionFailed, together
from llm_core.deadline import Deadline
from llm_core.people import ADMIN, Person, signed_in


def looking(event: Mapping[str, Any], what: str, deadline: Deadline) -> Person:
    """The admin behind a proxy event, whose look at `what` is written down, once an hour, before they see anything.

    Raises Unauthorized, NotAllowed, StoreUnavailable.
    """
    person = signed_in(event, ADMIN)
    look = audit.look(person.name, what, by=person.acts_as)
    if look.item not in _written:  # a page that is open looks every few seconds
        with suppress(ConditionFailed):  # in this hour they have
            together([look], deadline)
        del _written[:-_REMEMBERED]
        _written.append(look.item)
    return person


_REMEMBERED = 100
_written: list[Mapping[str, Any] | None] = []
