"""OpenAI's Chat Completions protocol: a Performance into completions and chunks."""

from collections.abc import Iterator, Mapping
from typing import Any

from local.understudy import openai_prompt
from local.understudy.anthropic import is_bad
from local.understudy.performance import Block, Call, Performance, Refusal, Stop, Text, Usage
from local.understudy.prompt import Json, Prompt
from local.understudy.wire import Arrival, Event, Identity, Refused, Wire, as_json

# `created` counts up from here: an answer never depends on a clock.
EPOCH = 1_767_225_600
STOPS: dict[Stop, str] = {
    "end": "stop",
    "length": "length",
    "stop_sequence": "stop",
    "tool": "tool_calls",
    "refusal": "stop",
    "content_filter": "content_filter",
}
ERRORS: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    402: ("insufficient_quota", "billing_hard_limit_reached", "Billing hard limit has been reached."),
    403: ("invalid_request_error", "permission_denied", "You are not allowed to use this model."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    408: ("server_error", "timeout", "Request timed out."),
    409: ("invalid_request_error", "conflict", "The request conflicts with another one."),
    413: ("invalid_request_error", "request_too_large", "Maximum content size limit exceeded."),
    422: ("invalid_request_error", "unprocessable_entity", "The request could not be processed."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests. Please try again later."),
    500: ("server_error", None, "The server had an error while processing your request. Sorry about that!"),
    502: ("server_error", None, "Bad gateway."),
    503: ("server_error", "overloaded", "The engine is currently overloaded, please try again later."),
    504: ("server_error", None, "Gateway timeout."),
}


class OpenAI(Wire):
    provider = "openai"

    def key(self, headers: Mapping[str, str]) -> str:
        key = headers.get("authorization", "").removeprefix("Bearer").strip()
        if not key:
            words = (
                "You didn't provide an API key. You need to provide your API key in an Authorization header using "
                "Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
            )
            raise Refused(401, words, code="missing_api_key")
        if is_bad(key):
            shown = key if len(key) <= 12 else f"{key[:8]}{'*' * (len(key) - 12)}{key[-4:]}"
            where = "You can find your API key at https://platform.openai.com/account/api-keys."
            raise Refused(401, f"Incorrect API key provided: {shown}. {where}")
        return key

    def read(self, arrival: Arrival, key: str) -> Prompt:
        return openai_prompt.read(arrival.body, model=model_in(arrival.body), key=key)

    def answer_id(self, identity: Identity) -> str:
        return identity.name("chatcmpl-", length=29)

    def headers(self, identity: Identity) -> dict[str, str]:
        return {"x-request-id": identity.name("req_", length=32), "openai-processing-ms": "1"}

    def whole(self, prompt: Prompt, performance: Performance, identity: Identity) -> Json:
        choices = []
        for copy in range(performance.copies):
            message: Json = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
            message["content"] = "".join(b.text for b in performance.blocks if isinstance(b, Text)) or None
            message["refusal"] = "".join(b.text for b in performance.blocks if isinstance(b, Refusal)) or None
            if calls := [_call(block, identity, at) for at, block in _calls(performance, copy)]:
                message["tool_calls"] = calls
            elif message["refusal"] is None and performance.stop != "content_filter":
                message["content"] = message["content"] or ""
            choices.append({"index": copy, "message": message, "logprobs": None, "finish_reason": _stop(performance)})
        head = self._head(prompt, identity, "chat.completion")
        return {**head, "choices": choices, "usage": usage_json(performance.usage)}

    def events(self, prompt: Prompt, performance: Performance, identity: Identity, per_event: int) -> Iterator[Event]:
        head = self._head(prompt, identity, "chat.completion.chunk")
        if prompt.include_usage:
            head["usage"] = None

        def chunk(copy: int, delta: Json, finish: str | None = None) -> Json:
            return {**head, "choices": [{"index": copy, "delta": delta, "logprobs": None, "finish_reason": finish}]}

        made = 0
        pieces = list(performance.pieces(per_event))
        for copy in range(performance.copies):
            yield Event(chunk(copy, {"role": "assistant", "content": "", "refusal": None}), "frame", made)
            places = {number: place for place, (number, _) in enumerate(_numbered(performance))}
            for piece in pieces:
                if piece.copy != copy:
                    continue
                block, made = performance.blocks[piece.block], piece.generated
                if isinstance(block, Call):
                    place = places[piece.block]
                    if piece.first:
                        begun = {"index": place, **_call(block, identity, f"{copy}.{place}", arguments="")}
                        yield Event(chunk(copy, {"tool_calls": [begun]}), "content", made)
                    part = {"index": place, "function": {"arguments": piece.text}}
                    yield Event(chunk(copy, {"tool_calls": [part]}), "content", made)
                elif isinstance(block, Text | Refusal) and piece.text:
                    name = "content" if isinstance(block, Text) else "refusal"
                    yield Event(chunk(copy, {name: piece.text}), "content", made)
            yield Event(chunk(copy, {}, _stop(performance)), "close", made)
        total = performance.usage
        if prompt.include_usage:
            yield Event({**head, "choices": [], "usage": usage_json(total)}, "usage", total.output)
        yield Event("[DONE]", "end", total.output)

    def encoded(self, payload: Json | str) -> bytes:
        return b"data: " + (payload.encode() if isinstance(payload, str) else as_json(payload)) + b"\n\n"

    def error(self, refused: Refused, identity: Identity) -> tuple[Json, dict[str, str]]:  # noqa: ARG002
        kind, code, words = ERRORS.get(refused.status) or ERRORS[503 if refused.status >= 500 else 400]
        if refused.message and not refused.type:
            # A message of its own came with its own code, or with none; what depends on the status alone stays.
            code = refused.code or (code if refused.status != 400 else None)
        if refused.type:
            kind, code = refused.type, refused.code or refused.type
        error = {"message": refused.message or words, "type": kind, "param": refused.param, "code": code}
        return {"error": error}, {}

    def too_long(self, tokens: int, limit: int) -> Refused:
        words = (
            f"This model's maximum context length is {limit} tokens. However, your messages resulted in {tokens} "
            "tokens. Please reduce the length of the messages."
        )
        return Refused(400, words, param="messages", code="context_length_exceeded")

    def unknown_parameter(self, name: str) -> Refused:
        words = f"Unsupported parameter: '{name}' is not supported with this model."
        return Refused(400, words, param=name, code="unsupported_parameter")

    def ping(self) -> bytes:
        return b": keep-alive\n\n"

    def malformed(self) -> bytes:
        return b'data: {"id":"chatcmpl-broken","object":"chat.completion.chunk","choices":[{"index":0,"del\n\n'

    def empty(self, like: Event) -> bytes:
        head = like.payload if isinstance(like.payload, dict) else {}
        return self.encoded({**head, "choices": []})

    def odd(self) -> Json:
        return {"object": "surprise", "surprise": [1, 2, 3]}

    def broken_off(self, type: str | None, message: str | None) -> bytes:
        words = message or "The server had an error while processing your request. Sorry about that!"
        return self.encoded({"error": {"message": words, "type": type or "server_error", "param": None, "code": None}})

    def without_usage(self, event: Event) -> Event | None:
        if event.part == "usage" or not isinstance(event.payload, dict):
            return None if event.part == "usage" else event
        payload = {name: part for name, part in event.payload.items() if name != "usage"}
        return Event(payload, event.part, event.generated)

    def _head(self, prompt: Prompt, identity: Identity, kind: str) -> Json:
        return {
            "id": self.answer_id(identity),
            "object": kind,
            "created": EPOCH + identity.number,
            "model": prompt.model,
            "service_tier": prompt.tier,
            "system_fingerprint": "fp_understudy",
        }


def model_in(body: Json) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise Refused(400, "you must provide a model parameter", code=None)
    if model.startswith("no-such"):
        words = f"The model `{model}` does not exist or you do not have access to it."
        raise Refused(404, words, code="model_not_found")
    return model


def usage_json(usage: Usage) -> Json:
    """Prompt tokens include cached ones here, completion tokens include reasoning."""
    written = usage.cache_write_5m + usage.cache_write_1h
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.output,
        "total_tokens": usage.prompt + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": written, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _stop(performance: Performance) -> str:
    return performance.stop_word or STOPS[performance.stop]


def _numbered(performance: Performance) -> list[tuple[int, Call]]:
    return [(number, block) for number, block in enumerate(performance.blocks) if isinstance(block, Call)]


def _calls(performance: Performance, copy: int) -> list[tuple[str, Call]]:
    return [(f"{copy}.{place}", block) for place, (_, block) in enumerate(_numbered(performance))]


def _call(block: Block, identity: Identity, at: str, arguments: str | None = None) -> Any:
    function = {"name": getattr(block, "name", ""), "arguments": block.text if arguments is None else arguments}
    return {"id": identity.name("call_", at), "type": "function", "function": function}
