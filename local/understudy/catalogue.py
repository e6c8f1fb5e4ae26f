"""The catalogue of faults: everything the understudy can be told to do wrong, as data."""

from typing import Annotated, Literal

from pydantic import Field

from local.understudy.fault import After, Count, Fault, Seconds


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
    """TCP RST before any byte; `fin`: the connection is closed as if all were said."""

    kind: Literal["reset"]
    fin: bool = False


class Redirect(Fault):
    """3xx to another place, where nobody answers."""

    kind: Literal["redirect"]
    code: Annotated[int, Field(ge=300, le=399)] = 307
    location: str = "/elsewhere"


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


class Drip(Fault):
    """The body comes byte by byte: never silent, and never done in time."""

    kind: Literal["drip"]
    every_s: Annotated[float, Field(ge=0.01)] = 0.1


class Cut(Fault):
    """Ends too early, after `after_bytes` of the body or `after_events`; a whole answer by default at its half.

    `inside` ends a stream in the middle of the event with its finish reason (`close`; Anthropic tells that with the
    usage), its usage or its end. `clean` closes the body like a good one; else the connection just ends (FIN).
    """

    kind: Literal["cut"]
    after_bytes: Count | None = None
    after_events: Count | None = None
    inside: Literal["close", "usage", "end"] | None = None
    clean: bool = True


class GzipCut(After):
    """The body is compressed, and its end is lost; a whole answer's half."""

    kind: Literal["gzip_cut"]


class ResetMidStream(After):
    """TCP RST; a whole answer has sent half of its body by then."""

    kind: Literal["reset_mid_stream"]


class Stall(After):
    """Falls silent for ever; a whole answer after half of its body."""

    kind: Literal["stall"]


class MalformedChunk(After):
    """An event that is not JSON, then goes on; `instead`: a word is lost with it. A whole answer's body is not JSON."""

    kind: Literal["malformed_chunk"]
    instead: bool = False


class EmptyChunk(After):
    """An event with nothing in it, then goes on."""

    streams_only = True
    kind: Literal["empty_chunk"]


class MissingEnd(Fault):
    """Everything but the end marker (message_stop, [DONE])."""

    streams_only = True
    kind: Literal["missing_end"]


class MissingFinish(Fault):
    """Everything but the reason to stop."""

    kind: Literal["missing_finish"]


class FinishTwice(Fault):
    """The reason to stop comes twice: once as it is, then as if there had been no room for more."""

    streams_only = True
    kind: Literal["finish_twice"]


class AfterEnd(Fault):
    """The first word comes once more after the end marker."""

    streams_only = True
    kind: Literal["after_end"]


class WrongModel(Fault):
    """The answer says that another model gave it."""

    kind: Literal["wrong_model"]
    model: str = "somebody-else"


class WrongContentType(Fault):
    kind: Literal["wrong_content_type"]
    content_type: str = "text/plain"


class HtmlPage(Fault):
    """A page for people, as a proxy on the way may send it: with 200, or an error's status."""

    kind: Literal["html_page"]
    status: Annotated[int, Field(ge=200, le=599)] = 200


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


class UsageOdd(Fault):
    """Output tokens as no provider should count them."""

    kind: Literal["usage_odd"]
    value: int | float | str = -1


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
    Status | ContextLength | InvalidParameter | ContentFilter | Refusal | Reset | Redirect | Silence | SlowHeaders
    | SlowFirstToken | PingsOnly | Drip | Cut | GzipCut | ResetMidStream | Stall | MalformedChunk | EmptyChunk
    | MissingEnd | MissingFinish | FinishTwice | AfterEnd | WrongModel | WrongContentType | HtmlPage | HugeChunk
    | UsageMissing | UsageTwice | UsageOdd | InBandError | BadCrc | WrongShape,
    Field(discriminator="kind"),
]  # fmt: skip
