"""The provider of the comparison, in a process of its own: fixed answers of OpenAI's Chat Completions, at once.

The prompt says how it answers: `events=200 pace_ms=2` are the pieces of a stream and the time between them. Prints its
port and serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys

from bench.gateway import http

MODEL = "gpt-5.4-mini"
_HEAD = {"id": "chatcmpl-bench", "created": 1_764_288_000, "model": MODEL, "service_tier": "default"}
_USAGE = {"prompt_tokens": 20, "completion_tokens": 40, "total_tokens": 60}
_TOLD = re.compile(rb"events=(\d+) pace_ms=([\d.]+)")
_ANSWER = {
    **_HEAD,
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "A word of forty tokens. " * 8, "refusal": None},
            "finish_reason": "stop",
            "logprobs": None,
        }
    ],
    "usage": _USAGE,
}
WHOLE = http.whole("200 OK", json.dumps(_ANSWER).encode(), x_request_id="req-bench")
STREAMED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def _event(choices: list[dict[str, object]], **more: object) -> bytes:
    told = {**_HEAD, "object": "chat.completion.chunk", "choices": choices, **more}
    return http.chunk(b"data: %b\n\n" % json.dumps(told, separators=(",", ":")).encode())


def _choice(delta: dict[str, str], finish: str | None = None) -> dict[str, object]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


_FIRST = _event([_choice({"role": "assistant", "content": ""})])
_PIECES = [
    _event([_choice({"content": f" word{number}"})]) for number in range(100)
]  # LiteLLM ends what repeats itself
_LAST = _event([_choice({}, "stop")]) + _event([], usage=_USAGE) + http.chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


async def answer(request: http.Message, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if not json.loads(request.body or b"{}").get("stream"):
        writer.write(WHOLE)
        return
    told = _TOLD.search(request.body)
    events, pace = (int(told[1]), float(told[2]) / 1000) if told else (32, 0.0)
    writer.write(STREAMED + _FIRST)
    if not pace:
        writer.write(b"".join(_PIECES[number % 100] for number in range(events)))
    else:
        clock = asyncio.get_running_loop().time
        due = clock()
        for number in range(events):
            writer.write(_PIECES[number % 100])
            due += pace
            await asyncio.sleep(max(0.0, due - clock()))
    writer.write(_LAST)


async def main() -> None:
    server = await http.serve(answer)
    print(http.port(server), flush=True)  # noqa: T201 - its parent reads it
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
