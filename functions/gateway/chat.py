"""POST /v1/{chat/completions,responses,messages,messages/count_tokens,complete,classify}: a model answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from gateway import account, classification
from gateway.dialects import anthropic_messages, native, openai_chat, openai_responses
from gateway.idempotency import once
from llm_core import gateway
from llm_core.aws import refusals
from llm_core.aws.http import Door, Response
from llm_core.errors import InvalidRequest
from llm_core.gateway import Answer
from llm_core.messages import Reply, Request

handler = door = Door(
    {"/v1/chat/": refusals.openai, "/v1/responses": openai_responses.refusal, "/v1/messages": refusals.anthropic}
)

gateway.prepare()


@door.post("/v1/chat/completions")
def chat_completions() -> Response:
    return _answered(openai_chat.read, openai_chat.write)


@door.post("/v1/responses")
def responses() -> Response:
    started, caller = time.perf_counter(), account.caller(door, "ai:complete")

    def run() -> Response:
        request = openai_responses.read(door.body())
        answer = gateway.answer(request, caller, door.deadline, account.wishes(door))
        return account.response(answer, openai_responses.write(answer, request), started)

    return once(door, caller, run)


@door.post("/v1/messages")
def messages() -> Response:
    return _answered(anthropic_messages.read, anthropic_messages.write)


@door.post("/v1/complete")
def complete() -> Response:
    return _answered(native.read, native.write)


@door.post("/v1/messages/count_tokens")
def count_tokens() -> Response:
    caller = account.caller(door, "ai:complete")
    request = anthropic_messages.read_prompt(door.body())
    tokens = gateway.count_tokens(request, caller, door.deadline, account.wishes(door))
    return Response(200, json.dumps({"input_tokens": tokens}).encode())


@door.post("/v1/classify")
def classify() -> Response:
    started, caller = time.perf_counter(), account.caller(door, "ai:complete")

    def run() -> Response:
        request, labels = classification.read(door.body())
        answer = gateway.answer(request, caller, door.deadline, account.wishes(door))
        return account.response(answer, classification.write(answer, labels), started)

    return once(door, caller, run)


def _answered(read: Callable[[bytes], Request], write: Callable[[Answer[Reply]], dict[str, Any]]) -> Response:
    """One answer, read and written in a dialect."""
    started, caller = time.perf_counter(), account.caller(door, "ai:complete")

    def run() -> Response:
        request = read(door.body())
        if request.stream:
            raise InvalidRequest("Answers come whole for now. Leave `stream` out.", param="stream")
        answer = gateway.answer(request, caller, door.deadline, account.wishes(door))
        return account.response(answer, write(answer), started)

    return once(door, caller, run)
