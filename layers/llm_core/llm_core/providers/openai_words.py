"""OpenAI's Chat Completions protocol: our request in its words, its completion in ours."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from llm_core.catalog import Model
from llm_core.errors import InvalidRequest
from llm_core.messages import (
    Embeddings,
    Finish,
    Image,
    Message,
    Opaque,
    Part,
    Reply,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)
from llm_core.providers.base import Json, asked, count, string

_FINISH: dict[object, Finish] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "refusal",
}


def body(request: Request, model: Model, limit: Json) -> Json:
    """What is posted: the caller's own body where it speaks OpenAI, else ours in OpenAI's words.

    `limit` is the field that bounds the output, by the name this server knows it.
    """
    tier = {"service_tier": "default"} if "service_tier" in model.multipliers else {}  # `auto` may be a dearer one
    if request.original and request.original.dialect == "openai":
        return {**tier, **request.original.body, "model": model.model, **limit}
    messages = [param for message in request.messages for param in _messages(message)]
    if request.system:
        system = request.system if isinstance(request.system, str) else request.system.as_plain()
        messages.insert(0, {"role": "system", "content": system})
    said: Json = {"model": model.model, "messages": messages, **limit, **tier}
    if request.tools:
        said["tools"] = [_tool(tool) for tool in request.tools]
        said["tool_choice"] = _tool_choice(request.tool_choice)
        if not request.tool_choice.parallel:
            said["parallel_tool_calls"] = False
    if request.stop:
        said["stop"] = list(request.stop)
    if request.end_user:
        said["safety_identifier"] = request.end_user
    if request.output:
        said["response_format"] = _format(request)
    sampling = {"temperature": request.temperature, "top_p": request.top_p}
    return said | {name: value for name, value in sampling.items() if value is not None}


def reply(completion: Json) -> Reply:
    """The first choice in our words. Raises KeyError, TypeError or ValueError for what is not a completion."""
    choice = completion["choices"][0]
    message = choice["message"]
    return Reply(
        id=string(completion["id"]),
        model=string(completion["model"]),
        parts=tuple(_parts(message)),
        finish="refusal" if message.get("refusal") else finish(choice["finish_reason"]),
        usage=usage(completion["usage"]),
        dialect="openai",
        original=completion,
        terms=terms(completion),
    )


def finish(reason: object) -> Finish:
    return _FINISH.get(reason, "length")


def terms(answer: Mapping[str, Any]) -> dict[str, str] | None:
    """The tier it was really served in, which has a price of its own."""
    tier = answer.get("service_tier")
    return {"service_tier": tier} if isinstance(tier, str) else None


def usage(reported: Mapping[str, Any]) -> Usage:
    """OpenAI's count in disjoint buckets: its `prompt_tokens` includes the cached ones, so they are taken out.

    Raises ValueError when they are more than the prompt.
    """
    details = reported.get("prompt_tokens_details") or {}
    read, written = count(details, "cached_tokens"), count(details, "cache_write_tokens")
    fresh = count(reported, "prompt_tokens", required=True) - read - written
    if fresh < 0:
        raise ValueError("more cached tokens than the prompt has")
    return asked(
        Usage(
            input=fresh,
            cache_write_5m=written,
            cache_read=read,
            output=count(reported, "completion_tokens", required=True),
            reasoning=count(reported.get("completion_tokens_details") or {}, "reasoning_tokens"),
        )
    )


def embeddings(answer: Json, inputs: int) -> Embeddings:
    """The vectors in the order of their inputs. Raises KeyError, TypeError or ValueError for anything else."""
    rows = sorted(answer["data"], key=lambda row: row["index"])
    vectors = [[float(number) for number in row["embedding"]] for row in rows]
    if len(vectors) != inputs or not all(vector and all(map(isfinite, vector)) for vector in vectors):
        raise ValueError("not one vector of finite numbers for each input")
    return Embeddings(vectors, asked(Usage(input=count(answer["usage"], "prompt_tokens", required=True))))


def _messages(message: Message) -> list[Json]:
    """One message of ours; tool results are messages of their own here."""
    results = [
        {"role": "tool", "tool_call_id": part.call_id, "content": part.text}
        for part in message.parts
        if isinstance(part, ToolResult)
    ]
    content = [_content(part) for part in message.parts if not isinstance(part, ToolResult | ToolCall)]
    calls = [_call(part) for part in message.parts if isinstance(part, ToolCall)]
    if not content and not calls:
        return results
    said: Json = {"role": message.role, "content": content or None}
    return [*results, said | ({"tool_calls": calls} if calls else {})]


def _content(part: Part) -> Json:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Image():
            url = part.url or f"data:{part.media_type};base64,{part.data}"
            return {"type": "image_url", "image_url": {"url": url}}
        case Opaque():
            raise InvalidRequest(f"A part of type {part.kind!r} means nothing to a GPT model.", param="messages")
        case _:
            raise TypeError(part)


def _call(part: ToolCall) -> Json:
    return {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.arguments}}


def _tool(tool: Tool) -> Json:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    strict = {} if tool.strict is None else {"strict": tool.strict}
    return {"type": "function", "function": {**function, **strict}}


def _tool_choice(choice: ToolChoice) -> str | Json:
    return {"type": "function", "function": {"name": choice.name}} if choice.mode == "tool" else choice.mode


def _format(request: Request) -> Json:
    output = request.output
    if output is None or output.schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": output.name, "schema": dict(output.schema), "strict": True}}


def _parts(message: Mapping[str, Any]) -> list[Text | ToolCall]:
    parts: list[Text | ToolCall] = []
    if text := message.get("refusal") or message.get("content"):
        parts.append(Text(string(text)))
    for call in message.get("tool_calls") or []:
        if call["type"] == "function":
            function = call["function"]
            parts.append(ToolCall(string(call["id"]), string(function["name"]), string(function["arguments"])))
    return parts
