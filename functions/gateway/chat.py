"""POST /v1/chat/completions, /v1/messages, /v1/messages/count_tokens, /v1/complete, /v1/classify: a model answers."""

from __future__ import annotations

import json
import time

from gateway import account, classification
from gateway.dialects import anthropic_messages, native, openai_chat
from llm_core import gateway
from llm_core.aws import refusals
from llm_core.aws.http import Door, Response

handler = door = Door({"/v1/chat/": refusals.openai, "/v1/messages": refusals.anthropic})

gateway.prepare()


@door.post("/v1/chat/completions")
def chat_completions() -> Response:
    started, caller = time.perf_counter(), account.caller(door, "ai:complete")
    answer = gateway.answer(openai_chat.read(door.body()), caller, door.deadline, account.wishes(door))
    return account.response(answer, openai_chat.write(answer), started)


@door.post("/v1/messages")
def messages() -> Response:
    started, caller = time.perf_counter(), account.caller(door, "ai:complete")
    answer = gateway.answer(anthropic_messages.read(door.body()), caller, door.deadline, account.wishes(door))
    return account.response(answer, anthropic_messages.write(answer), started)


@door.post("/v1/messages/count_tokens")
def count_tokens() -> Response:
    account.caller(door, "ai:complete")
    tokens = gateway.count_tokens(anthropic_messages.read_prompt(door.body()), door.deadline)
    return Response(200, json.dumps({"input_tokens": tokens}).encode())


@door.post("/v1/complete")
def complete() -> Response:
    started, caller = time.perf_counter(), account.caller(door, "ai:complete")
    answer = gateway.answer(native.read(door.body()), caller, door.deadline, account.wishes(door))
    return account.response(answer, native.write(answer), started)


@door.post("/v1/classify")
def classify() -> Response:
    started, caller = time.perf_counter(), account.caller(door, "ai:complete")
    request, labels = classification.read(door.body())
    answer = gateway.answer(request, caller, door.deadline, account.wishes(door))
    return account.response(answer, classification.write(answer, labels), started)
