"""POST /v1/{chat/completions,responses,messages,messages/count_tokens,complete,stream,classify}: a model answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gateway import account, classification, streaming
from gateway.dialects import (
    anthropic_betas,
    anthropic_messages,
    anthropic_messages_stream,
    native,
    native_stream,
    openai_chat,
    openai_chat_stream,
    openai_responses,
    openai_responses_stream,
)
from gateway.idempotency import once
from llm_core import callers, gateway, token_counts
from llm_core.aws import refusals
from llm_core.aws.http import Door, Response
from llm_core.deadline import Deadline
from llm_core.gateway import Answer
from llm_core.messages import Reply, Request

handler = door = Door(
    {"/v1/chat/": refusals.openai, "/v1/responses": openai_responses.refusal, "/v1/messages": refusals.anthropic}
)

gateway.prepare()


@door.post("/v1/chat/completions")
def chat_completions() -> Response:
    return _answered(openai_chat.read, openai_chat.write, openai_chat_stream)


@door.post("/v1/responses")
def responses() -> Response:
    started, caller = time.perf_counter(), callers.admit(door.api_key(), "ai:complete")

    def run() -> Response:
        request = openai_responses.read(door.body())
        if request.stream:
            return streaming.answered(door, caller, request, openai_responses_stream)
        answer = gateway.answer(request, caller, _soon(), account.wishes(door))
        return account.response(answer, openai_responses.write(answer, request), started)

    return once(door, caller, run)


@door.post("/v1/messages")
def messages() -> Response:
    def read(body: bytes) -> Request:
        return anthropic_messages.read(body, anthropic_betas.read(door.values("anthropic-beta")))

    return _answered(read, anthropic_messages.write, anthropic_messages_stream)


@door.post("/v1/complete")
def complete() -> Response:
    return _answered(native.read, native.write, native_stream)


@door.post("/v1/stream")
def stream() -> Response:
    return _answered(lambda body: replace(native.read(body), stream=True), native.write, native_stream)


@door.post("/v1/messages/count_tokens")
def count_tokens() -> Response:
    caller = callers.admit(door.api_key(), "ai:complete")
    request = anthropic_messages.read_prompt(door.body(), anthropic_betas.read(door.values("anthropic-beta")))
    tokens = token_counts.count(request, caller, _soon(), account.wishes(door))
    return Response(200, json.dumps({"input_tokens": tokens}).encode())


@door.post("/v1/classify")
def classify() -> Response:
    started, caller = time.perf_counter(), callers.admit(door.api_key(), "ai:complete")

    def run() -> Response:
        request, labels = classification.read(door.body())
        answer = gateway.answer(request, caller, _soon(), account.wishes(door))
        return account.response(answer, classification.write(answer, labels), started)

    return once(door, caller, run)


def _answered(
    read: Callable[[bytes], Request], write: Callable[[Answer[Reply]], dict[str, Any]], streamed: streaming.Dialect
) -> Response:
    """One answer, read and written in a dialect, whole or while it is written."""
    started, caller = time.perf_counter(), callers.admit(door.api_key(), "ai:complete")

    def run() -> Response:
        request = read(door.body())
        if request.stream:
            return streaming.answered(door, caller, request, streamed)
        answer = gateway.answer(request, caller, _soon(), account.wishes(door))
        return account.response(answer, write(answer), started)

    return once(door, caller, run)


WHOLE_S = 110.0
"""Within which an answer comes whole: CloudFront gives up on an origin that is silent for 120 s. What takes longer is
for streams."""


def _soon() -> Deadline:
    return Deadline.after(min(door.deadline.left, WHOLE_S))
