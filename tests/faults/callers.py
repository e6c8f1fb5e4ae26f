"""Who asks: the official SDKs without retries of their own, and a plain reader that leaves when it has seen enough."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import anthropic
import httpx2
import openai

MOST_TOKENS = 300
PATIENCE_S = 40.0
"""More than any case may take: who waits longer has met something that hangs."""

GIVES_UP_S = 0.4
"""After so long a caller that leaves while it waits has gone."""

HELLO: list[Any] = [{"role": "user", "content": "Tell me where squirrels sleep."}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
BUFFERED = {"x-drey-stream-mode": "buffered"}


@dataclass
class Seen:
    """What one caller saw. `error` is the SDK's exception with its code, "" for an answer; `calls` are the arguments
    of its tool calls as the SDK has them; `account` is what the answer says of its usage and cost."""

    text: str = ""
    calls: list[Any] = field(default_factory=list)
    finish: str = ""
    error: str = ""
    code: str = ""
    status: int | None = None
    should_retry: str | None = None
    account: dict[str, Any] = field(default_factory=dict)
    provider: str = ""
    model: str = ""
    attempts: int = 0
    fallback: bool = False
    left: bool = False
    seconds: float = 0.0


class Clients:
    """Made once for all cases: each loads the machine's certificates, which takes longer than a case."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.gpt = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=PATIENCE_S)
        self.claude = anthropic.Anthropic(base_url=url, api_key="none", max_retries=0, timeout=PATIENCE_S)
        self.plain = httpx2.Client(base_url=url, timeout=PATIENCE_S)

    def ask(self, dialect: str, mode: str, model: str, key: str, *, tools: bool) -> Seen:
        seen = Seen()
        asked = {
            ("openai", True): self._gpt_whole,
            ("openai", False): self._gpt_streamed,
            ("anthropic", True): self._claude_whole,
            ("anthropic", False): self._claude_streamed,
        }[dialect, mode == "whole"]
        more: dict[str, Any] = {"extra_headers": BUFFERED} if mode == "buffered" else {}
        if tools:
            more["tools"] = [_tool(dialect)]
        try:
            asked(seen, key, model=model, messages=HELLO, max_tokens=MOST_TOKENS, **more)
        except Exception as error:  # noqa: BLE001 - which one it is, is what the wall looks at
            _told(seen, error)
        return seen

    def leave(self, dialect: str, mode: str, model: str, key: str, events: int) -> Seen:
        """Ask, read so many events, hang up."""
        body = {"model": model, "messages": HELLO, "max_tokens": MOST_TOKENS, "stream": mode != "whole"}
        path = "/v1/chat/completions" if dialect == "openai" else "/v1/messages"
        headers = {"authorization": f"Bearer {key}"} | (BUFFERED if mode == "buffered" else {})
        patience = PATIENCE_S if events else GIVES_UP_S
        seen = Seen(left=True)
        try:
            with self.plain.stream("POST", path, json=body, headers=headers, timeout=patience) as answer:
                lines = answer.iter_lines()
                while events and (line := next(lines, None)) is not None:
                    events -= line.startswith("data: ")
                    seen.text += line
        except httpx2.ReadTimeout:
            pass
        return seen

    def _gpt_whole(self, seen: Seen, key: str, **body: Any) -> None:
        raw = self.gpt.with_options(api_key=key).chat.completions.with_raw_response.create(**body)
        answer = raw.parse()
        choice = answer.choices[0]
        _head(seen, raw.headers, answer.model)
        seen.text = choice.message.content or choice.message.refusal or ""
        seen.calls = [_arguments(call.function.arguments) for call in choice.message.tool_calls or []]
        seen.finish = "refusal" if choice.message.refusal else choice.finish_reason
        seen.account = answer.usage.model_dump() if answer.usage else {}

    def _gpt_streamed(self, seen: Seen, key: str, **body: Any) -> None:
        create: Any = self.gpt.with_options(api_key=key).chat.completions.with_raw_response.create
        raw = create(**body, stream=True, stream_options={"include_usage": True})
        calls: dict[int, str] = {}
        refused = False
        for chunk in raw.parse():
            _head(seen, raw.headers, chunk.model)
            if chunk.usage:
                seen.account = chunk.usage.model_dump()
            for choice in chunk.choices:
                seen.text += choice.delta.content or choice.delta.refusal or ""
                refused = refused or bool(choice.delta.refusal)
                for call in choice.delta.tool_calls or []:
                    calls[call.index] = calls.get(call.index, "") + (call.function.arguments or "")
                seen.finish = choice.finish_reason or seen.finish
        seen.calls = [_arguments(text) for text in calls.values()]
        seen.finish = "refusal" if refused else seen.finish

    def _claude_whole(self, seen: Seen, key: str, **body: Any) -> None:
        raw = self.claude.with_options(api_key=key).messages.with_raw_response.create(**body)
        message = raw.parse()
        _head(seen, raw.headers, message.model)
        _heard(seen, message)

    def _claude_streamed(self, seen: Seen, key: str, **body: Any) -> None:
        with self.claude.with_options(api_key=key).messages.stream(**body) as stream:
            told = [event.usage.to_dict() for event in stream if event.type == "message_delta"]
            message = stream.get_final_message()
            _head(seen, stream.response.headers, message.model)
            _heard(seen, message)
        seen.account = told[-1] if told else {}


def _head(seen: Seen, headers: Mapping[str, str], model: str) -> None:
    """Who answered, as the answer's headers and body disclose it."""
    seen.model, seen.provider = model, headers["x-drey-provider"]
    seen.attempts, seen.fallback = int(headers["x-drey-attempts"]), headers["x-drey-fallback"] == "true"


def _heard(seen: Seen, message: Any) -> None:
    seen.text = "".join(block.text for block in message.content if block.type == "text")
    seen.calls = [block.input for block in message.content if block.type == "tool_use"]
    seen.finish = message.stop_reason or ""
    seen.account = message.usage.model_dump()


def _arguments(text: str) -> Any:
    """As an agent would read them; what is no JSON stays a text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _told(seen: Seen, error: Exception) -> None:
    seen.error = type(error).__name__
    body: Any = getattr(error, "body", None)
    told = body.get("error", body) if isinstance(body, dict) else {}
    seen.code = str(told.get("code") or "") if isinstance(told, dict) else ""
    response: httpx2.Response | None = getattr(error, "response", None)
    if response is not None and response.status_code >= 400:
        seen.status = response.status_code
        seen.should_retry = response.headers.get("x-should-retry")


def _tool(dialect: str) -> dict[str, Any]:
    about = {"name": "get_weather", "description": "The weather of a city."}
    if dialect == "anthropic":
        return {**about, "input_schema": SCHEMA}
    return {"type": "function", "function": {**about, "parameters": SCHEMA}}
