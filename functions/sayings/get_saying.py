"""GET /sayings: one saying, from the table, a model, the cache or the package."""

from __future__ import annotations

import random
import time

from llm_core.aws.http import Door, Response
from llm_core.settings import settings
from sayings import answer, services
from sayings.answer import Spent
from sayings.rotation import CacheManager, places
from sayings.saying import Place, Saying
from sayings.shelf import Shelf

handler = door = Door()

settings()  # a wrong environment stops the door at its start

cache, shelf = CacheManager(), Shelf()


@door.get("/sayings")
def saying() -> Response:
    started, spent = time.perf_counter(), Spent()
    number = cache.next_request_number()
    for place in places(number):
        found = _found(place)
        if found is not None:
            return answer.response(found, place, spent, started)
    raise AssertionError("the last place always has one")


def _found(place: Place) -> Saying | None:
    if place == "table":
        return shelf.draw()
    if place == "built-in":
        return random.choice(services.built_in())  # noqa: S311 - no secret depends on it
    return None
