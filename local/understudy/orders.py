"""The shapes of orders: what the understudy is told to do instead of its best."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

type Seconds = Annotated[float, Field(ge=0)]
type Count = Annotated[int, Field(ge=0)]
type Provider = Literal["anthropic", "openai", "bedrock"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fault(Strict):
    """A fault lets calls pass, and is not used up by them, to which it cannot happen."""

    streams_only: ClassVar[bool] = False
    talk_only: ClassVar[bool] = False
    only_provider: ClassVar[Provider | None] = None


class After(Fault):
    """Strikes after `after_events` events with content (0: after the opening events, before any content)."""

    after_events: Count = 1


class Status(Fault):
    """An HTTP error in the provider's shape. `type` is its error type, by default the real one for the code."""

    kind: Literal["status"]
    code: Annotated[int, Field(ge=400, le=599)]
    type: str | None = None
    message: str | None = None
    retry_after: Seconds | None = None


class ContextLength(Fault):
    """400: the prompt is longer than `limit` tokens."""

    kind: Literal["context_length"]
    limit: Count = 200_000


class InvalidParameter(Fault):
    kind: Literal["invalid_parameter"]
    param: str = "temperature"


class ContentFilter(Fault):
    """OpenAI: 200 with finish_reason content_filter; Anthropic and Bedrock: 400 with their words for it."""

    talk_only = True
    kind: Literal["content_filter"]


class Refusal(Fault):
    """200 with stop_reason refusal (Anthropic, Bedrock) or message.refusal (OpenAI)."""

    talk_only = True
    kind: Literal["refusal"]
    message: str = "I can't help with that."


class Reset(Fault):
    """TCP RST before any byte."""

    kind: Literal["reset"]


class Silence(Fault):
    """Accepted, never answered."""

    kind: Literal["silence"]


class SlowHeaders(Fault):
    kind: Literal["slow_headers"]
    seconds: Seconds


class SlowFirstToken(Fault):
    """Headers at once, the first content (of a whole answer: the body) only after `seconds`."""

    kind: Literal["slow_first_token"]
    seconds: Seconds


class PingsOnly(Fault):
    """Pings (SSE comments for OpenAI) for ever, never any content."""

    streams_only = True
    kind: Literal["pings_only"]
    every_s: Annotated[float, Field(ge=0.01)] = 0.1


class Cut(Fault):
    """Ends too early, after `after_bytes` of the body or `after_events`; a whole answer by default at its half.

    `clean` closes the body like a good one; else the connection just ends (FIN).
    """

    kind: Literal["cut"]
    after_bytes: Count | None = None
    after_events: Count | None = None
    clean: bool = True


class ResetMidStream(After):
    """TCP RST; a whole answer has sent half of its body by then."""

    kind: Literal["reset_mid_stream"]


class Stall(After):
    """Falls silent for ever; a whole answer after half of its body."""

    kind: Literal["stall"]


class MalformedChunk(After):
    """An event that is not JSON, then goes on; a whole answer's body is not JSON."""

    kind: Literal["malformed_chunk"]


class EmptyChunk(After):
    """An event with nothing in it, then goes on."""

    streams_only = True
    kind: Literal["empty_chunk"]


class MissingEnd(Fault):
    """Everything but the end marker (message_stop, [DONE])."""

    streams_only = True
    kind: Literal["missing_end"]


class WrongContentType(Fault):
    kind: Literal["wrong_content_type"]
    content_type: str = "text/plain"


class HtmlPage(Fault):
    """200 with a page for people, as a proxy on the way may send it."""

    kind: Literal["html_page"]


class HugeChunk(Fault):
    """The answer begins with so many bytes of text in one event (counted into the usage)."""

    talk_only = True
    kind: Literal["huge_chunk"]
    bytes: Annotated[int, Field(ge=1, le=64_000_000)] = 1_000_000


class UsageMissing(Fault):
    kind: Literal["usage_missing"]


class UsageTwice(Fault):
    """The event with the final usage comes twice."""

    streams_only = True
    kind: Literal["usage_twice"]


class InBandError(After):
    """An error event, then the end without end marker."""

    streams_only = True
    kind: Literal["in_band_error"]
    type: str | None = None
    message: str | None = None


class BadCrc(After):
    """A Bedrock frame whose checksum is wrong, then goes on."""

    streams_only = True
    only_provider = "bedrock"
    kind: Literal["bad_crc"]


class WrongShape(After):
    """JSON of another shape: one event, then goes on; a whole answer is replaced."""

    kind: Literal["wrong_shape"]


type AnyFault = Annotated[
    Status | ContextLength | InvalidParameter | ContentFilter | Refusal | Reset | Silence | SlowHeaders
    | SlowFirstToken | PingsOnly | Cut | ResetMidStream | Stall | MalformedChunk | EmptyChunk | MissingEnd
    | WrongContentType | HtmlPage | HugeChunk | UsageMissing | UsageTwice | InBandError | BadCrc | WrongShape,
    Field(discriminator="kind"),
]  # fmt: skip


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
