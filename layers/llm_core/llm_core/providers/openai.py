"""OpenAI Chat Completions, through the official `openai` SDK."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from llm_core.catalog import Model
from llm_core.errors import ContextLengthExceeded, ProviderError, ProviderFailed
from llm_core.messages import (
    Finish,
    Image,
    Message,
    Part,
    Reply,
    Request,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)
from llm_core.providers.base import Provider
from llm_core.settings import settings

if TYPE_CHECKING:
    import openai
    from openai.types import CompletionUsage
    from openai.types.chat import ChatCompletionMessage

_FINISH: dict[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "refusal",
}


@lru_cache(maxsize=8)
def _client(key: str, base_url: str | None) -> openai.OpenAI:
    import openai

    return openai.OpenAI(api_key=key, base_url=base_url, max_retries=0)


class OpenAI(Provider):
    name = "openai"

    def prepare(self) -> None:
        import openai

        openai.resources.chat.Completions  # noqa: B018 - the SDK imports its resources when they are first named

    def _ask(self, key: str, request: Request, model: Model, max_tokens: int, timeout: float) -> Reply:
        client = _client(key, settings().openai_base_url or None)
        completion = client.chat.completions.create(**_body(request, model, max_tokens), timeout=timeout)
        if getattr(completion, "usage", None) is None or not completion.choices:
            raise ProviderFailed("openai sent an answer that is not a chat completion.", provider=self.name)
        choice = completion.choices[0]
        refused = bool(choice.message.refusal)
        return Reply(
            id=completion.id,
            model=completion.model,
            parts=tuple(_parts(choice.message)),
            finish="refusal" if refused else _FINISH.get(choice.finish_reason, "stop"),
            usage=usage(completion.usage),
        )

    def _failure(self, error: Exception) -> ProviderError | ContextLengthExceeded | None:
        import openai

        if isinstance(error, openai.APIStatusError):
            if error.code == "context_length_exceeded":
                return ContextLengthExceeded(_message(error), param="messages")
            return self._refusal(error, _message(error))
        if isinstance(error, openai.APITimeoutError):
            return self._silence()
        if isinstance(error, openai.OpenAIError | ValueError):
            return self._broken(error)
        return None


def usage(reported: CompletionUsage) -> Usage:
    """OpenAI's count in disjoint buckets: its `prompt_tokens` includes the cached ones, so they are taken out."""
    prompt, completion = reported.prompt_tokens_details, reported.completion_tokens_details
    read = (prompt.cached_tokens or 0) if prompt else 0
    written = (prompt.cache_write_tokens or 0) if prompt else 0
    return Usage(
        input=reported.prompt_tokens - read - written,
        cache_write_5m=written,
        cache_read=read,
        output=reported.completion_tokens,
        reasoning=(completion.reasoning_tokens or 0) if completion else 0,
    )


def _body(request: Request, model: Model, max_tokens: int) -> dict[str, Any]:
    messages = [param for message in request.messages for param in _message_params(message)]
    if request.system:
        messages.insert(0, {"role": "system", "content": request.system})
    body: dict[str, Any] = {"model": model.model, "messages": messages, "max_completion_tokens": max_tokens}
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
            }
            for tool in request.tools
        ]
        body["tool_choice"] = _tool_choice_param(request.tool_choice)
        if not request.tool_choice.parallel:
            body["parallel_tool_calls"] = False
    if request.stop:
        body["stop"] = list(request.stop)
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.top_p is not None:
        body["top_p"] = request.top_p
    if request.end_user:
        body["safety_identifier"] = request.end_user
    return body


def _message_params(message: Message) -> list[dict[str, Any]]:
    """One message of ours; tool results are messages of their own here."""
    results = [
        {"role": "tool", "tool_call_id": part.call_id, "content": part.text}
        for part in message.parts
        if isinstance(part, ToolResult)
    ]
    content = [_content(part) for part in message.parts if isinstance(part, Text | Image)]
    calls = [_call(part) for part in message.parts if isinstance(part, ToolCall)]
    if not content and not calls:
        return results
    said: dict[str, Any] = {"role": message.role, "content": content or None}
    return [*results, said | ({"tool_calls": calls} if calls else {})]


def _content(part: Part) -> dict[str, Any]:
    if isinstance(part, Image):
        return {"type": "image_url", "image_url": {"url": part.url or f"data:{part.media_type};base64,{part.data}"}}
    assert isinstance(part, Text)  # noqa: S101 - for the type checker; the caller chose the parts
    return {"type": "text", "text": part.text}


def _call(part: ToolCall) -> dict[str, Any]:
    return {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.arguments}}


def _tool_choice_param(choice: ToolChoice) -> str | dict[str, Any]:
    return {"type": "function", "function": {"name": choice.name}} if choice.mode == "tool" else choice.mode


def _parts(message: ChatCompletionMessage) -> list[Text | ToolCall]:
    parts: list[Text | ToolCall] = []
    if message.refusal or message.content:
        parts.append(Text(message.refusal or message.content or ""))
    for call in message.tool_calls or []:
        if call.type == "function":
            parts.append(ToolCall(call.id, call.function.name, call.function.arguments))
    return parts


def _message(error: openai.APIStatusError) -> str:
    """The provider's own sentence, without the JSON around it."""
    body = error.body
    said = body.get("message") if isinstance(body, dict) else None
    return str(said or f"openai answered {error.status_code}.")
