"""Anthropic Messages API, through the official `anthropic` SDK."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from llm_core.catalog import Model
from llm_core.errors import ContextLengthExceeded, InvalidRequest, ProviderError, ProviderFailed
from llm_core.messages import Finish, Image, Message, Part, Reply, Request, Text, Tool, ToolCall, ToolChoice, Usage
from llm_core.providers.base import Provider
from llm_core.settings import settings

if TYPE_CHECKING:
    import anthropic

_FINISH: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}


@lru_cache(maxsize=8)
def _client(key: str, base_url: str | None) -> anthropic.Anthropic:
    import anthropic

    return anthropic.Anthropic(api_key=key, base_url=base_url, max_retries=0)


class Anthropic(Provider):
    name = "anthropic"

    def prepare(self) -> None:
        import anthropic

        anthropic.resources.Messages  # noqa: B018 - the SDK imports its resources when they are first named

    def _ask(self, key: str, request: Request, model: Model, max_tokens: int, timeout: float) -> Reply:
        client = _client(key, settings().anthropic_base_url or None)
        message = client.messages.create(**_body(request, model, max_tokens), timeout=timeout)
        if getattr(message, "usage", None) is None or not isinstance(message.content, list):
            raise ProviderFailed("anthropic sent an answer that is not a message.", provider=self.name)
        return Reply(
            id=message.id,
            model=message.model,
            parts=tuple(_parts(message.content)),
            finish=_FINISH.get(message.stop_reason or "", "stop"),
            usage=usage(message.usage),
        )

    def _failure(self, error: Exception) -> ProviderError | ContextLengthExceeded | None:
        import anthropic
        import httpx2

        if isinstance(error, anthropic.APIStatusError):
            message = _message(error)
            if error.status_code == 400 and "prompt is too long" in message.lower():
                return ContextLengthExceeded(message, param="messages")
            return self._refusal(error, message)
        if isinstance(error, anthropic.APITimeoutError | httpx2.TimeoutException):
            return self._silence()
        if isinstance(error, anthropic.AnthropicError | httpx2.HTTPError | ValueError):
            return self._broken(error)
        return None


def usage(reported: anthropic.types.Usage) -> Usage:
    """Anthropic's count in disjoint buckets: its `input_tokens` leaves the cached ones out already."""
    written = reported.cache_creation_input_tokens or 0
    by_age = reported.cache_creation
    hour = by_age.ephemeral_1h_input_tokens if by_age else 0
    details = reported.output_tokens_details
    return Usage(
        input=reported.input_tokens,
        cache_write_5m=written - hour,
        cache_write_1h=hour,
        cache_read=reported.cache_read_input_tokens or 0,
        output=reported.output_tokens,
        reasoning=(details.thinking_tokens or 0) if details else 0,
    )


def _body(request: Request, model: Model, max_tokens: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model.model,
        "max_tokens": max_tokens,
        "messages": [_message_param(message) for message in request.messages],
    }
    if request.system:
        body["system"] = request.system
    if request.tools:
        body["tools"] = [_tool_param(tool) for tool in request.tools]
        body["tool_choice"] = _tool_choice_param(request.tool_choice)
    if request.stop:
        body["stop_sequences"] = list(request.stop)
    if request.end_user:
        body["metadata"] = {"user_id": request.end_user}
    if sampling := _sampling(request):
        body["extra_body"] = (
            sampling  # the SDK dropped these arguments; models that sample still read them from the body
        )
    return body


def _sampling(request: Request) -> dict[str, float]:
    """Temperature ends at 1 here, at 2 in OpenAI's dialect: a higher one is taken as 1, as Anthropic does itself."""
    said = {"temperature": request.temperature and min(request.temperature, 1.0), "top_p": request.top_p}
    return {name: value for name, value in said.items() if value is not None}


def _message_param(message: Message) -> dict[str, Any]:
    return {"role": message.role, "content": [_block(part) for part in message.parts]}


def _block(part: Part) -> dict[str, Any]:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Image(url=""):
            source = {"type": "base64", "media_type": part.media_type, "data": part.data}
            return {"type": "image", "source": source}
        case Image():
            return {"type": "image", "source": {"type": "url", "url": part.url}}
        case ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": _arguments(part)}
        case _:
            result = {"type": "tool_result", "tool_use_id": part.call_id, "content": part.text}
            return result | ({"is_error": True} if part.is_error else {})


def _arguments(call: ToolCall) -> dict[str, Any]:
    """The arguments as an object, which is how this API wants its own calls back. Raises InvalidRequest."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError as error:
        raise InvalidRequest(
            f"The arguments of tool call {call.id!r} are not JSON: {error}.", param="messages"
        ) from error
    if not isinstance(arguments, dict):
        raise InvalidRequest(f"The arguments of tool call {call.id!r} are not a JSON object.", param="messages")
    return arguments


def _tool_param(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}


def _tool_choice_param(choice: ToolChoice) -> dict[str, Any]:
    if choice.mode == "none":
        return {"type": "none"}
    kind = {"auto": "auto", "required": "any", "tool": "tool"}[choice.mode]
    named = {"name": choice.name} if choice.mode == "tool" else {}
    return {"type": kind, **named} | ({} if choice.parallel else {"disable_parallel_tool_use": True})


def _parts(content: list[anthropic.types.ContentBlock]) -> list[Text | ToolCall]:
    parts: list[Text | ToolCall] = []
    for block in content:
        if block.type == "text":
            parts.append(Text(block.text))
        elif block.type == "tool_use":
            parts.append(ToolCall(block.id, block.name, json.dumps(block.input, ensure_ascii=False)))
    return parts


def _message(error: anthropic.APIStatusError) -> str:
    """The provider's own sentence, without the JSON around it."""
    body = error.body
    detail = body.get("error") if isinstance(body, dict) else None
    said = detail.get("message") if isinstance(detail, dict) else None
    return str(said or f"anthropic answered {error.status_code}.")
