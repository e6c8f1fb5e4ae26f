"""Posts JSON to a webhook, whose whole address is a secret.

With urllib3, because boto3 brings it: no door that only posts a line of JSON loads httpx2, which belongs to the
providers' SDKs and takes 100 ms to start. Nothing that urllib3 says about a failure is passed on: its words hold the
address.
"""

from __future__ import annotations

import json
import logging
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from llm_core.aws import secrets, tracing
from llm_core.aws.telemetry import logger
from llm_core.deadline import Deadline
from llm_core.errors import DreyError, Misconfigured
from llm_core.settings import settings

POST_SECONDS = 5.0
"""The most that one post may take."""

_TRIES = 3
_PAUSE = 0.5
_TRY_AGAIN = {408, 425, 429}
_SECONDS = re.compile(r"\d{1,6}(\.\d+)?")

_pool = urllib3.PoolManager(retries=False)
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)  # below that it logs addresses


class NotDelivered(DreyError):
    """The webhook did not take it now; later it may."""

    code = "webhook_failed"
    retryable = True


@dataclass(frozen=True, slots=True)
class _Answer:
    """`status` is None when there was none. `said` is fit for a log."""

    status: int | None
    said: str
    retry_after: float | None = None

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def final(self) -> bool:
        """Another post of this to this address cannot succeed: it was refused, or sent elsewhere."""
        return self.status is not None and 300 <= self.status < 500 and self.status not in _TRY_AGAIN


def post(reference: str, message: Mapping[str, Any], until: Deadline) -> bool:
    """Post it; True if it was taken, False if this webhook will never take it, which is then in the log.

    Raises NotDelivered when it may succeed later, after some tries within `until`; DeadlineExceeded, Misconfigured or
    StoreUnavailable when nothing was posted.
    """
    body = json.dumps(message).encode()
    address = secrets.secret(reference)
    for tried in range(1, _TRIES + 1):
        answer = _post(address, body, until)
        if answer.taken:
            return True
        if answer.final:
            newer = secrets.secret(reference, fresh=True)
            if newer == address:
                facts = {"event": "webhook_gone", "webhook": reference, "said": answer.said}
                logger.error("a webhook refuses for good", extra=facts)
                return False
            address = newer
            continue
        pause = answer.retry_after or random.uniform(_PAUSE, 2 * _PAUSE) * tried  # noqa: S311 - no secret
        if tried == _TRIES or pause >= until.left:
            break
        time.sleep(pause)
    raise NotDelivered(f"{reference} {answer.said}.")


@tracing.span("webhook")
def _post(address: str, body: bytes, until: Deadline) -> _Answer:
    """One post, without following where else it may be sent."""
    if not address.startswith("https://") and settings().is_prod:
        raise Misconfigured("A webhook's address begins with https:// in prod.")
    try:
        response = _pool.request(
            "POST",
            address,
            body=body,
            headers={
                "Content-Type": "application/json",
                "Connection": "close",
            },  # a kept one would not outlive a freeze
            timeout=urllib3.Timeout(total=min(POST_SECONDS, until.remaining())),
            redirect=False,
            preload_content=False,
        )
    except urllib3.exceptions.HTTPError as error:
        return _Answer(None, f"did not answer ({type(error).__name__})")
    response.close()
    stated = response.headers.get("Retry-After", "")
    retry_after = float(stated) if _SECONDS.fullmatch(stated) else None
    return _Answer(response.status, f"answered {response.status}", retry_after)
