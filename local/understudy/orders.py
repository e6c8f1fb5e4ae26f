"""The shapes of orders: for which calls the understudy does something else than its best, and what."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from local.understudy.catalogue import AnyFault
from local.understudy.fault import Count, Provider, Strict


class OrderedCall(Strict):
    """`arguments` as text is sent as it is, also when it is no JSON."""

    name: str
    arguments: dict[str, Any] | str = Field(default_factory=dict)


class Answer(Strict):
    """A scripted answer; what is not named stays the understudy's own. Counts are in tokens and win over max_tokens.

    `stop_reason` goes onto the wire as it is. Cached tokens are taken out of the prompt's count as far as it reaches.
    """

    text: str | None = None
    tool_calls: list[OrderedCall] | None = None
    thinking: str | None = None
    stop_reason: str | None = None
    input_tokens: Count | None = None
    output_tokens: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    reasoning_tokens: Count | None = None
    cache_read_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    cache_write_1h_tokens: Count | None = None


class Order(Strict):
    """For which calls (`model` and `path` are globs), how often (`times`, after `skip` matching calls), and what."""

    provider: Provider | None = None
    model: str | None = None
    key: str | None = None
    path: str | None = None
    times: Annotated[int, Field(ge=1)] | None = None
    skip: Count = 0
    fault: AnyFault | None = None
    answer: Answer | None = None

    @model_validator(mode="after")
    def _orders_something(self) -> "Order":
        if self.fault is None and self.answer is None:
            raise ValueError("an order needs a fault or an answer")
        return self
