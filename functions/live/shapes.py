"""What may be sent on the live socket."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from llm_core import shapes
from llm_core.completions import Completion
from llm_core.errors import InvalidRequest
from llm_core.key_shapes import Order
from llm_core.runs.shapes import Seq

RequestId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]
RunId = Annotated[str, Field(min_length=1, max_length=100)]


class Subscribe(Order):
    """The events of a run after `afterSeq`, then those to come."""

    action: Literal["subscribe"]
    run_id: RunId
    after_seq: Seq = 0


class Complete(Completion):
    """As POST /v1/complete; `requestId` is the caller's own, and on every frame of the answer."""

    action: Literal["complete"]
    requestId: RequestId  # noqa: N815 - the wire's own name


class Cancel(Order):
    """An answer of this connection, or a run."""

    action: Literal["cancel"]
    request_id: RequestId | None = None
    run_id: RunId | None = None

    @model_validator(mode="after")
    def _one(self) -> Cancel:
        if (self.request_id is None) == (self.run_id is None):
            raise ValueError("name a requestId or a runId")
        return self


class Ping(Order):
    action: Literal["ping"]
    request_id: RequestId | None = None


Message = Subscribe | Complete | Cancel | Ping
_SHAPES: dict[str, type[Message]] = {"subscribe": Subscribe, "complete": Complete, "cancel": Cancel, "ping": Ping}


def read(body: Any) -> Message:
    """Raises InvalidRequest, ParameterNotPriced."""
    action = body.get("action") if isinstance(body, dict) else None
    shape = _SHAPES.get(action) if isinstance(action, str) else None
    if shape is None:
        raise InvalidRequest(f"action: one of {', '.join(_SHAPES)}.", param="action")
    return shapes.read(shape, body)


def about(body: Any) -> dict[str, str]:
    """What a refusal is about, as far as that can be told."""
    if not isinstance(body, dict):
        return {}
    return {
        name: value
        for name in ("requestId", "runId")
        if isinstance(value := body.get(name), str) and 0 < len(value) <= 100
    }
