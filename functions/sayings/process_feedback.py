"""POST /feedback: a thumb up or down for a saying."""

from __future__ import annotations

import json
import re

from llm_core import shapes
from llm_core.aws import telemetry
from llm_core.aws.http import Door, Response
from llm_core.errors import InvalidRequest
from llm_core.saying_shapes import Feedback
from llm_core.settings import settings
from sayings import votes
from sayings.votes import Cast

handler = door = Door()

settings()  # a wrong environment stops the door at its start

MOST_BYTES = 16_384

_KEY = re.compile(r"[\x20-\x7e]{1,255}")


@door.post("/feedback")
def feedback() -> Response:
    body = door.body()
    if len(body) > MOST_BYTES:
        raise InvalidRequest(f"A vote has at most {MOST_BYTES} bytes.")
    cast = votes.cast(shapes.read(Feedback, shapes.parse_exactly(body)), _key())
    if not cast.again:
        _measure(cast)
    told = {"sayingId": cast.saying_id, "vendor": cast.vote.vendor, "model": cast.vote.model}
    headers = {"x-drey-idempotent-replay": "true"} if cast.again else {}
    return Response(200, json.dumps(told).encode(), headers)


def _key() -> str | None:
    """The Idempotency-Key, which makes a vote safe to repeat. Raises InvalidRequest."""
    header = door.header("idempotency-key")
    if header is None:
        return None
    if not _KEY.fullmatch(key := header.strip()):
        raise InvalidRequest("Idempotency-Key is 1 to 255 printable characters.", param="Idempotency-Key")
    return key


def _measure(cast: Cast) -> None:
    name = "PositiveFeedback" if cast.vote.positive else "NegativeFeedback"
    dimensions = {"subject": "sayings", "vendor": cast.vote.vendor, "model": cast.vote.model}
    telemetry.measure(dimensions, **{name: (1, "Count")})
