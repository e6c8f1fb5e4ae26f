"""POST /v1/chat/completions: one answer of a model, in OpenAI's dialect."""

from __future__ import annotations

import json
import time

from gateway.dialects import openai_chat
from llm_core import callers, gateway, money
from llm_core.aws.http import Door, Response

handler = door = Door()

gateway.prepare()


@door.post("/v1/chat/completions")
def chat_completions() -> Response:
    started = time.perf_counter()
    caller = callers.identify(door.api_key())
    caller.require("ai:complete")
    request = openai_chat.read(door.body())
    answer = gateway.answer(request, caller, door.deadline)
    overhead = (time.perf_counter() - started) * 1000 - answer.provider_ms
    return Response(200, json.dumps(openai_chat.write(answer)).encode(), _headers(answer, overhead))


def _headers(answer: gateway.Answer, overhead_ms: float) -> dict[str, str]:
    return {
        "x-drey-provider": answer.model.provider,
        "x-drey-attempts": str(answer.attempts),
        "x-drey-fallback": "false",
        "x-drey-cache": "BYPASS",
        "x-drey-cost-usd": money.plain(answer.charged),
        "x-drey-overhead-ms": f"{overhead_ms:.1f}",
    }
