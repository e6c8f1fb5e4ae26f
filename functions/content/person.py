"""Who writes: a person who signed in and is in the group `writers`, or an admin."""

from __future__ import annotations

from llm_core.aws import telemetry
from llm_core.aws.http import Door
from llm_core.people import ADMIN, WRITERS, Person, signed_in


def writer(door: Door) -> Person:
    """Who is asking, from here on in the log too. Raises Unauthorized, NotAllowed."""
    person = signed_in(door.current_event.raw_event, WRITERS, ADMIN)
    telemetry.label(user_id=person.id)
    return person
