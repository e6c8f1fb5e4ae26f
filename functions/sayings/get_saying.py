"""GET /sayings: one saying, from the table, a model, the cache or the package."""

from __future__ import annotations

import random
import time

from llm_core.aws import functions
from llm_core.aws.http import Door, Response
from llm_core.errors import StoreUnavailable
from llm_core.settings import settings
from sayings import answer, live, services, trouble
from sayings.answer import Spent
from sayings.rotation import CacheManager, places
from sayings.saying import Place, Saying
from sayings.shelf import Shelf

handler = door = Door()

settings()  # a wrong environment stops the door at its start

cache, shelf = CacheManager(), Shelf()

_draw = random.SystemRandom()


@door.get("/sayings")
def saying() -> Response:
    started, spent = time.perf_counter(), Spent()
    number = cache.next_request_number()
    if number == 1:
        _fill_cache()
    for place in places(number):
        found = _found(place, spent)
        if found is not None:
            return answer.response(found, place, spent, started)
    raise AssertionError("the last place always has one")


def _found(place: Place, spent: Spent) -> Saying | None:
    match place:
        case "live":
            left = door.lambda_context.get_remaining_time_in_millis() / 1000
            written = live.ask(_draw, left, spent, shelf)
            if written:
                cache.known(written)
            return written
        case "cache":
            return cache.take() or _looked()
        case "table":
            return shelf.draw()
        case "built-in":
            return _draw.choice(services.built_in())


def _looked() -> Saying | None:
    """The cache is empty: it takes what models wrote meanwhile, and somebody shall write the next."""
    if not cache.may_look():
        return None
    cache.add(shelf.newest())
    _fill_cache()
    return cache.take()


def _fill_cache() -> None:
    """In another function, because threads do not outlive this one's answer. Nobody waits for it or its trouble."""
    try:
        functions.begin(settings().need("sayings_build_function"), {"source": "drey.sayings"})
    except StoreUnavailable as error:
        trouble.log(error, "Lambda", "Error asking for new sayings")
