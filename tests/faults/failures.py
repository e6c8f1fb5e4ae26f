"""The catalogue of the wall: what a provider, the way to it or a caller may do, and what must come of it, as data.

Faults are orders to the understudy (local/understudy/catalogue.py). Time limits are the model's own, at a fiftieth of
what the catalog says by default, only where the failure is about time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Provider = Literal["openai", "anthropic", "closed", "not-tls"]
Mode = Literal["whole", "streamed", "buffered"]

TEXT = "A squirrel sleeps in a drey: twigs outside, moss within, high in the fork of an old oak."
ARGUMENTS = {"city": "Lisbon", "days": 3, "unit": "celsius"}
WORDS: Mapping[str, Any] = {"text": TEXT}
TOOLS: Mapping[str, Any] = {"tool_calls": [{"name": "get_weather", "arguments": ARGUMENTS}]}

IMPATIENT = {"first_token_s": 0.2, "stall_s": 0.3, "total_s": 12.0}
"""Seconds: the default limits at 1/50."""

STALLS = {"stall_s": 0.3}
WHOLE_S = 1.0
"""The 25 s of an answer that comes whole, at 1/25: they begin before the table is asked."""


@dataclass(frozen=True)
class Comes:
    """What must come of it: how often the first candidate is asked, and the code that its failure has for the caller,
    "" where it answers; whether the second one is asked then; what a 5xx says of a retry."""

    asked: int = 1
    code: str = ""
    elsewhere: bool = False
    retry: bool = True


ANSWERS = Comes()
OVERLOADED = Comes(3, "provider_overloaded", elsewhere=True)
FAILS = Comes(3, "provider_error", elsewhere=True)
TIMES_OUT = Comes(1, "timeout", elsewhere=True)
REFUSED = Comes(1, "invalid_request")
DENIED = Comes(1, "provider_error", retry=False)
BREAKS, FULL = Comes(1, "provider_error"), Comes(1, "provider_overloaded")
"""After the first content: nobody else is asked, and the caller is told in band, or by a status if it is buffered."""


@dataclass(frozen=True)
class Failure:
    """`fault` strikes `times` (always, if None) after `skip` calls. `streams` is what comes of it where it differs from
    `whole`; `claude` where Anthropic differs. `via` is asked instead of the understudy. `limits` are the first
    candidate's. `leaves`: the caller goes after so many events, or, at 0, while it waits."""

    name: str
    fault: Mapping[str, Any] | None
    whole: Comes
    streams: Comes | None = None
    claude: Comes | None = None
    times: int | None = None
    skip: int = 0
    answer: Mapping[str, Any] = field(default_factory=lambda: WORDS)
    limits: Mapping[str, float] = field(default_factory=dict)
    via: Provider | None = None
    leaves: int | None = None
    before: int = 0
    """Calls that are made first, to see how it goes on after them."""

    def comes(self, mode: Mode, provider: Provider) -> Comes:
        if provider == "anthropic" and self.claude is not None:
            return self.claude
        return self.whole if mode == "whole" or self.streams is None else self.streams


def status(code: int, **more: Any) -> dict[str, Any]:
    return {"kind": "status", "code": code, **more}


def cut(**where: Any) -> dict[str, Any]:
    return {"kind": "cut", **where}


LOST = {"kind": "malformed_chunk", "after_events": 3, "instead": True}


def in_band(after: int, kind: str) -> dict[str, Any]:
    return {"kind": "in_band_error", "after_events": after, "type": kind}


FAILURES = (
    # ---------------------------------------------------------------------------------- refused by status
    Failure("429, Retry-After 0.2 s, once", status(429, retry_after=0.2), Comes(2), times=1),
    Failure("429, Retry-After 7 s", status(429, retry_after=7), Comes(1, "provider_overloaded", elsewhere=True)),
    Failure("429 without Retry-After, once", status(429), Comes(2), times=1),
    Failure("429 without Retry-After, always", status(429), OVERLOADED),
    Failure("500, once", status(500), Comes(2), times=1),
    Failure("500, always", status(500), FAILS),
    Failure("502, a page for people", {"kind": "html_page", "status": 502}, FAILS),
    Failure("503, always", status(503), OVERLOADED),
    Failure("529, always", status(529), OVERLOADED),
    Failure("408, once", status(408), Comes(2), times=1),
    Failure("400", status(400), REFUSED),
    Failure("401", status(401), DENIED),
    Failure("403", status(403), DENIED),
    Failure("404", status(404), DENIED),
    Failure("413", status(413), Comes(1, "payload_too_large")),
    Failure("an invalid parameter", {"kind": "invalid_parameter", "param": "temperature"}, REFUSED),
    Failure("context length", {"kind": "context_length"}, Comes(1, "context_length_exceeded")),
    Failure("a content filter", {"kind": "content_filter"}, ANSWERS, claude=REFUSED),
    Failure("a refusal", {"kind": "refusal"}, ANSWERS),
    Failure("a redirect", {"kind": "redirect"}, FAILS),
    # ---------------------------------------------------------------------------------- no connection, no words
    Failure("connection refused", None, FAILS, via="closed"),
    Failure("TLS failure", None, FAILS, via="not-tls"),
    Failure("connection reset", {"kind": "reset"}, FAILS),
    Failure("connection reset, once", {"kind": "reset"}, Comes(2), times=1),
    Failure("connection closed without a word", {"kind": "reset", "fin": True}, FAILS),
    Failure("no answer", {"kind": "silence"}, TIMES_OUT, limits=IMPATIENT),
    Failure("slow headers, in time", {"kind": "slow_headers", "seconds": 0.3}, ANSWERS),
    Failure("slow headers, too slow", {"kind": "slow_headers", "seconds": 3}, TIMES_OUT, limits=IMPATIENT),
    Failure("slow first token, in time", {"kind": "slow_first_token", "seconds": 0.3}, ANSWERS),
    Failure("slow first token, too slow", {"kind": "slow_first_token", "seconds": 3}, TIMES_OUT, limits=IMPATIENT),
    Failure("pings for ever", {"kind": "pings_only"}, ANSWERS, streams=TIMES_OUT, limits=IMPATIENT),
    Failure("a byte now and then", {"kind": "drip"}, TIMES_OUT, limits=IMPATIENT),
    # ---------------------------------------------------------------------------------- another answer than asked
    Failure("a page for people, 200", {"kind": "html_page"}, FAILS),
    Failure("200 with an empty body", cut(after_bytes=0), FAILS),
    Failure("wrong content type", {"kind": "wrong_content_type"}, ANSWERS),
    Failure("JSON of another shape, alone", {"kind": "wrong_shape"}, FAILS, streams=ANSWERS),
    Failure("another model's name", {"kind": "wrong_model"}, ANSWERS),
    Failure("a huge chunk", {"kind": "huge_chunk", "bytes": 300_000}, ANSWERS),
    # ---------------------------------------------------------------------------------- cut
    Failure("cut after 100 bytes", cut(after_bytes=100), FAILS),
    Failure("cut before the first word", cut(after_events=0), FAILS),
    Failure("cut after 6 words, cleanly", cut(after_events=6), FAILS, BREAKS),
    Failure("cut after 6 words, FIN", cut(after_events=6, clean=False), FAILS, BREAKS),
    Failure("reset after 6 words", {"kind": "reset_mid_stream", "after_events": 6}, FAILS, BREAKS),
    Failure("cut after the last word", cut(after_events=999), FAILS, BREAKS),
    Failure("cut inside the finish reason", cut(inside="close"), FAILS, BREAKS),
    Failure("cut inside the usage", cut(inside="usage"), FAILS, BREAKS),
    Failure("cut inside the end marker", cut(inside="end"), FAILS, BREAKS),
    Failure("missing end marker", {"kind": "missing_end"}, ANSWERS, BREAKS),
    Failure("cut gzip", {"kind": "gzip_cut", "after_events": 6}, FAILS, BREAKS),
    Failure("stall after 6 words", {"kind": "stall", "after_events": 6}, TIMES_OUT, Comes(1, "timeout"), limits=STALLS),
    Failure("a tool call's arguments cut", cut(after_events=4), FAILS, BREAKS, answer=TOOLS),
    # ---------------------------------------------------------------------------------- broken words
    Failure("malformed chunk", {"kind": "malformed_chunk", "after_events": 3}, FAILS, ANSWERS),
    Failure("malformed chunk before any word", {"kind": "malformed_chunk", "after_events": 0}, FAILS, ANSWERS),
    Failure("a word lost in a malformed chunk", LOST, FAILS, ANSWERS),
    Failure("a piece of a tool call lost so", LOST, FAILS, BREAKS, answer=TOOLS),
    Failure("empty chunk", {"kind": "empty_chunk"}, ANSWERS),
    Failure("an error in the stream, before any word", in_band(0, "server_error"), ANSWERS, FAILS),
    Failure("an error in the stream, after 6 words", in_band(6, "server_error"), ANSWERS, BREAKS),
    Failure("overloaded in the stream, before any word", in_band(0, "overloaded_error"), ANSWERS, OVERLOADED),
    Failure("overloaded in the stream, after 6 words", in_band(6, "overloaded_error"), ANSWERS, FULL),
    # ---------------------------------------------------------------------------------- false accounts
    Failure("no finish reason", {"kind": "missing_finish"}, ANSWERS, BREAKS),
    Failure("two finish reasons", {"kind": "finish_twice"}, ANSWERS),
    Failure("an unknown finish reason", {}, ANSWERS, answer={**WORDS, "stop_reason": "tired"}),
    Failure("words after the end", {"kind": "after_end"}, ANSWERS),
    Failure("usage missing", {"kind": "usage_missing"}, FAILS, ANSWERS),
    Failure("usage twice", {"kind": "usage_twice"}, ANSWERS),
    Failure("usage below zero", {"kind": "usage_odd", "value": -5}, FAILS, ANSWERS),
    Failure("usage of 10^15 tokens", {"kind": "usage_odd", "value": 10**15}, FAILS, ANSWERS),
    Failure("usage as a text", {"kind": "usage_odd", "value": "many"}, FAILS, ANSWERS),
    Failure("usage above the ceiling", {}, ANSWERS, answer={**WORDS, "output_tokens": 5_000}),
    # ---------------------------------------------------------------------------------- over time
    Failure("flapping: every second call is a 500", status(500), Comes(2), times=1, skip=1, before=1),
    Failure("recovery after two 503", status(503), Comes(3), times=2),
    # ---------------------------------------------------------------------------------- the caller
    Failure("the caller leaves while it waits", {"kind": "slow_first_token", "seconds": 1}, ANSWERS, leaves=0),
    *(
        Failure(f"the caller leaves at event {count}", {"kind": "stall", "after_events": 6}, ANSWERS, leaves=count)
        for count in range(1, 7)
    ),
)
