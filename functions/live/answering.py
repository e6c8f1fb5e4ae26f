"""A completion on the live socket: told while it is written, settled however it ends."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from pydantic import BaseModel, ConfigDict

from live import answers
from live.answers import Wanted
from live.speaking import Speaker
from llm_core import callers, completions, gateway
from llm_core.aws import telemetry
from llm_core.aws.http import defect
from llm_core.cancellation import Cancellation
from llm_core.completions import Completion
from llm_core.deadline import Deadline
from llm_core.deltas import TextPiece
from llm_core.errors import DreyError, StoreUnavailable


class Asked(BaseModel):
    """What the message door hands over."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    source: str
    connectionId: str  # noqa: N815 - as everywhere on the wire
    requestId: str  # noqa: N815
    keyId: str  # noqa: N815
    body: Completion


def answer(asked: Asked, deadline: Deadline, invocation: str) -> dict[str, Any]:
    """`{"begun": bool}`: False for an answer that another invocation writes, or whose connection has closed."""
    begun = answers.begin(asked.connectionId, asked.requestId, deadline)
    if begun is None:
        return {"begun": False}
    cancellation = Cancellation()
    if begun["cancelled"]:  # before it began: nobody is asked
        cancellation.cancel()
    speaker = Speaker(asked.connectionId, asked.requestId, cancellation.cancel)
    try:
        with Wanted(asked.connectionId, asked.requestId, cancellation.cancel):
            _spoken(asked, speaker, deadline, cancellation)
    except DreyError as error:
        telemetry.logger.warning("answer broke off", exc_info=error, extra={"event": "request_failed"})
        speaker.fail(error, invocation)
    except Exception as error:  # noqa: BLE001 - the client hears of it, the log learns the rest
        speaker.fail(defect(error), invocation)
    finally:
        speaker.close()
        try:
            answers.over(asked.connectionId, asked.requestId)
        except StoreUnavailable:
            telemetry.logger.warning("answer not forgotten", exc_info=True, extra={"event": "answer_kept"})
    return {"begun": True}


def _spoken(asked: Asked, speaker: Speaker, deadline: Deadline, cancellation: Cancellation) -> None:
    """Raises what gateway.stream and reading it raise."""
    caller = callers.vouched(asked.keyId)
    telemetry.label(key_id=caller.key_id, user_id=caller.user_id)
    caller.require("ai:complete")
    request = completions.asked(asked.body)
    live = gateway.stream(request, caller, deadline, gateway.Wishes(cancellation=cancellation))
    with closing(live):
        for event in live:
            for delta in event.deltas:
                if isinstance(delta, TextPiece):
                    speaker.say(delta.text)
    call, heard = live.call, live.heard
    account = completions.account(live.model, heard.finish, heard.usage, call.charged, call.provider_ms)
    speaker.tell("usage", {**account, "fallback": live.fallback})
    speaker.tell("done", {"id": call.id})
