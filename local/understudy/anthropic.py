"""Anthropic's Messages protocol: requests into a Prompt, a Performance into messages and events."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from local.understudy.anthropic_prompt import read
from local.understudy.fault import Provider
from local.understudy.performance import Block, Call, Performance, Refusal, Stop, Text, Thinking, Usage
from local.understudy.prompt import Json, Prompt
from local.understudy.wire import Arrival, Event, Identity, Refused, Wire, as_json

STOPS: dict[Stop, str] = {
    "end": "end_turn",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tool": "tool_use",
    "refusal": "refusal",
    "content_filter": "refusal",
}
ERRORS = {
    400: ("invalid_request_error", "The request is not valid."),
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "Your credit balance is too low to access the Anthropic API."),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "The requested resource could not be found."),
    408: ("timeout_error", "Request timed out"),
    409: ("conflict_error", "The request conflicts with another one."),
    413: ("request_too_large", "Request exceeds the maximum size"),
    422: ("invalid_request_error", "The request could not be processed."),
    429: ("rate_limit_error", "This request would exceed your organization's rate limit. Please try again later."),
    500: ("api_error", "Internal server error"),
    503: ("api_error", "Service Unavailable"),
    504: ("timeout_error", "Request timed out"),
    529: ("overloaded_error", "Overloaded"),
}
USAGES = ("usage", "amazon-bedrock-invocationMetrics")


class Anthropic(Wire):
    provider: ClassVar[Provider] = "anthropic"
    asks_for_version = True

    def key(self, headers: Mapping[str, str]) -> str:
        bearer = headers.get("authorization", "")
        key = headers.get("x-api-key") or bearer.removeprefix("Bearer ").strip()
        if not key:
            raise Refused(401, "x-api-key header is required")
        if is_bad(key):
            raise Refused(401, "invalid x-api-key" if headers.get("x-api-key") else "Invalid bearer token")
        return key

    def read(self, arrival: Arrival, key: str) -> Prompt:
        if self.asks_for_version and "anthropic-version" not in arrival.headers:
            raise Refused(400, "anthropic-version: header is required")
        model = model_in(arrival.body)
        return read(arrival.body, provider=self.provider, model=model, key=key, stream=bool(arrival.body.get("stream")))

    def answer_id(self, identity: Identity) -> str:
        return identity.name("msg_01")

    def model_name(self, prompt: Prompt) -> str:
        return prompt.model

    def headers(self, identity: Identity) -> dict[str, str]:
        return {"request-id": identity.name("req_01")}

    def whole(self, prompt: Prompt, performance: Performance, identity: Identity) -> Json:
        blocks = [_block(block, identity, place) for place, block in enumerate(performance.blocks)]
        if performance.stop in ("refusal", "content_filter"):
            blocks = []
        return {
            **self._message(prompt, identity),
            "content": blocks,
            **_stop(performance),
            "usage": _usage(performance.usage),
        }

    def events(self, prompt: Prompt, performance: Performance, identity: Identity, per_event: int) -> Iterator[Event]:
        # Like the real one, the first event already speaks of one output token.
        opening = performance.usage.so_far(min(1, performance.usage.output))
        started = {**self._message(prompt, identity), "content": [], "stop_reason": None, "stop_sequence": None}
        yield Event(
            {"type": "message_start", "message": {**started, "usage": _usage(opening)}}, "frame", opening.output
        )
        blocks = () if performance.stop in ("refusal", "content_filter") else performance.blocks
        made = opening.output
        for piece in performance.pieces(per_event) if blocks else ():
            block = blocks[piece.block]
            at: Json = {"index": piece.block}
            if piece.first:
                empty = _block(block, identity, piece.block, opening=True)
                yield Event({"type": "content_block_start", **at, "content_block": empty}, "frame", made)
                if piece.block == 0:
                    yield Event({"type": "ping"}, "frame", made)
            made = piece.generated
            part: Literal["content", "frame"] = "frame" if isinstance(block, Thinking) else "content"
            yield Event({"type": "content_block_delta", **at, "delta": _delta(block, piece.text)}, part, made)
            if piece.last:
                if isinstance(block, Thinking):
                    signed = {"type": "signature_delta", "signature": _signature(identity, piece.block)}
                    yield Event({"type": "content_block_delta", **at, "delta": signed}, "frame", made)
                yield Event({"type": "content_block_stop", **at}, "frame", made)
        total = performance.usage
        final = {"type": "message_delta", "delta": _stop(performance), "usage": _usage(total)}
        yield Event(final, "usage", total.output)
        yield Event(self._message_stop(total), "end", total.output)

    def encoded(self, payload: Json | str) -> bytes:
        if isinstance(payload, str):
            return payload.encode()
        return b"event: " + str(payload.get("type", "message")).encode() + b"\ndata: " + as_json(payload) + b"\n\n"

    def error(self, refused: Refused, identity: Identity) -> tuple[Json, dict[str, str]]:
        kind, words = ERRORS.get(refused.status) or ERRORS[500 if refused.status >= 500 else 400]
        error = {"type": refused.type or kind, "message": refused.message or words}
        return {"type": "error", "error": error, "request_id": identity.name("req_01")}, {}

    def too_long(self, tokens: int, limit: int) -> Refused:
        return Refused(400, f"prompt is too long: {tokens} tokens > {limit} maximum")

    def unknown_parameter(self, name: str) -> Refused:
        return Refused(400, f"{name}: Extra inputs are not permitted", param=name)

    def filtered(self, performance: Performance) -> Performance:  # noqa: ARG002 -- nothing of it is shown
        raise Refused(400, "Output blocked by content filtering policy")

    def ping(self) -> bytes:
        return self.encoded({"type": "ping"})

    def malformed(self) -> bytes:
        return b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"te\n\n'

    def empty(self, like: Event) -> bytes:
        index = like.payload.get("index", 0) if isinstance(like.payload, dict) else 0
        return self.encoded(
            {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": ""}}
        )

    def odd(self) -> Json:
        return {"type": "content_block_delta", "surprise": [1, 2, 3]}

    def broken_off(self, type: str | None, message: str | None) -> bytes:
        error = {"type": type or "overloaded_error", "message": message or "Overloaded"}
        return self.encoded({"type": "error", "error": error})

    def without_usage(self, event: Event) -> Event | None:
        if not isinstance(event.payload, dict):
            return event
        payload = {name: part for name, part in event.payload.items() if name not in USAGES}
        if isinstance(message := payload.get("message"), dict):
            payload["message"] = {name: part for name, part in message.items() if name not in USAGES}
        return Event(payload, event.part, event.generated)

    def _message(self, prompt: Prompt, identity: Identity) -> Json:
        name = self.model_name(prompt)
        return {"id": self.answer_id(identity), "type": "message", "role": "assistant", "model": name}

    def _message_stop(self, usage: Usage) -> Json:  # noqa: ARG002 -- Bedrock tells the usage here once more
        return {"type": "message_stop"}


def model_in(body: Json) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Refused(400, "model: Field required")
    if model.startswith("no-such"):
        raise Refused(404, f"model: {model}")
    return model


def is_bad(key: str) -> bool:
    """The understudy's own rule for keys that are refused."""
    return key == "bad-key" or key.startswith("sk-bad")


def _usage(usage: Usage) -> Json:
    return {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": usage.output,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
        "service_tier": "standard",
    }


def _stop(performance: Performance) -> Json:
    stop: Json = {
        "stop_reason": performance.stop_word or STOPS[performance.stop],
        "stop_sequence": performance.stop_sequence,
    }
    if performance.stop == "refusal":
        words = "".join(block.text for block in performance.blocks if isinstance(block, Refusal))
        stop["stop_details"] = {"type": "refusal", "category": None, "explanation": words}
    return stop


def _block(block: Block, identity: Identity, place: int, *, opening: bool = False) -> Json:
    match block:
        case Thinking():
            signature = "" if opening else _signature(identity, place)
            return {"type": "thinking", "thinking": "" if opening else block.text, "signature": signature}
        case Call():
            made = {} if opening else _arguments(block.text)
            return {"type": "tool_use", "id": identity.name("toolu_01", str(place)), "name": block.name, "input": made}
        case Text() | Refusal():
            return {"type": "text", "text": "" if opening else block.text}


def _arguments(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {}  # arguments that were cut short


def _delta(block: Block, text: str) -> Json:
    match block:
        case Thinking():
            return {"type": "thinking_delta", "thinking": text}
        case Call():
            return {"type": "input_json_delta", "partial_json": text}
        case Text() | Refusal():
            return {"type": "text_delta", "text": text}


def _signature(identity: Identity, place: int) -> str:
    return identity.name("understudy-", f"signature {place}", 64)
