"""Anthropic's Messages protocol: our request in its words, its message in ours. Bedrock speaks it too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from llm_core import shapes
from llm_core.catalog import Model
from llm_core.errors import InvalidRequest
from llm_core.messages import (
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

BETAS = "anthropic_beta"
"""Bedrock's name in the body for what Anthropic's own address is told by header: features in their beta."""

_FINISH: dict[object, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}
"""Any other reason to stop, `pause_turn` among them, leaves an answer that is not whole: `length`."""


def body(request: Request, model: Model, max_tokens: int) -> Json:
    """What is posted: the caller's own body where it speaks Anthropic, else ours in Anthropic's words."""
    limits = {"model": model.model, "max_tokens": max_tokens}
    if request.original and request.original.dialect == "anthropic":
        return {**request.original.body, **limits}
    said: Json = {**limits, "messages": [_message(each) for each in request.messages if each.parts]}
    if request.system:
        said["system"] = request.system if isinstance(request.system, str) else request.system.as_xml()
    if request.tools:
        said["tools"] = [_tool(tool) for tool in request.tools]
        said["tool_choice"] = _tool_choice(request.tool_choice)
    if request.stop:
        said["stop_sequences"] = list(request.stop)
    if request.end_user:
        said["metadata"] = {"user_id": request.end_user}
    if request.output:
        said["output_config"] = {"format": _output(request)}
    return said | _sampling(request)


def reply(message: Json) -> Reply:
    """The message in our words. Raises KeyError, TypeError or ValueError for what is not a message with its usage."""
    return Reply(
        id=string(message["id"]),
        model=string(message["model"]),
        parts=tuple(_parts(message["content"])),
        finish=finish(message["stop_reason"]),
        usage=usage(message["usage"]),
        dialect="anthropic",
        original=message,
        terms=terms(message["usage"]),
    )


def finish(stop_reason: object) -> Finish:
    return _FINISH.get(stop_reason, "length")


def terms(reported: Mapping[str, Any]) -> dict[str, str] | None:
    """Where it was computed, which has a price of its own: a workspace may decide it without the request."""
    place = reported.get("inference_geo")
    return {"inference_geo": place} if isinstance(place, str) else None


def usage(reported: Mapping[str, Any]) -> Usage:
    """Anthropic's count in disjoint buckets: its `input_tokens` leaves the cached ones out already."""
    by_age = reported.get("cache_creation") or {}
    hour, minutes = count(by_age, "ephemeral_1h_input_tokens"), count(by_age, "ephemeral_5m_input_tokens")
    written = max(count(reported, "cache_creation_input_tokens"), hour + minutes)  # some servers send only one of them
    searches = count(reported.get("server_tool_use") or {}, "web_search_requests")
    return asked(
        Usage(
            input=count(reported, "input_tokens", required=True),
            cache_write_5m=written - hour,
            cache_write_1h=hour,
            cache_read=count(reported, "cache_read_input_tokens"),
            output=count(reported, "output_tokens", required=True),
            reasoning=count(reported.get("output_tokens_details") or {}, "thinking_tokens"),
            fees={"web_search": searches} if searches else {},
        )
    )


def _sampling(request: Request) -> Json:
    """Temperature ends at 1 here, at 2 in OpenAI's dialect: a higher one is taken as 1, as Anthropic does itself."""
    temperature = None if request.temperature is None else min(request.temperature, 1.0)
    told = {"temperature": temperature, "top_p": request.top_p, "top_k": request.top_k}
    return {name: value for name, value in told.items() if value is not None}


def _output(request: Request) -> Json:
    """A schema to follow. Claude takes only closed ones: an object that leaves it open is closed here."""
    schema = request.output.schema if request.output else None
    return {"type": "json_schema", "schema": _closed(schema or {"type": "object"})}


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    closed = {name: _closed(part) for name, part in schema.items()}
    return {"additionalProperties": False, **closed} if closed.get("type") == "object" else closed


def _message(message: Message) -> Json:
    return {"role": message.role, "content": [_block(part) for part in message.parts]}


def _block(part: Part) -> Json:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Image(url=""):
            return {"type": "image", "source": {"type": "base64", "media_type": part.media_type, "data": part.data}}
        case Image():
            return {"type": "image", "source": {"type": "url", "url": part.url}}
        case ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": _arguments(part)}
        case ToolResult():
            result = {"type": "tool_result", "tool_use_id": part.call_id, "content": part.text}
            return result | ({"is_error": True} if part.is_error else {})
        case Opaque():
            raise InvalidRequest(f"A part of type {part.kind!r} means nothing to a Claude model.", param="messages")


def _arguments(call: ToolCall) -> Json:
    """The arguments as an object, which is how this API wants its own calls back. Raises InvalidRequest."""
    try:
        arguments = shapes.parse((call.arguments or "{}").encode())
    except InvalidRequest as error:
        raise InvalidRequest(f"The arguments of tool call {call.id[:60]!r} are not JSON.", param="messages") from error
    if not isinstance(arguments, dict):
        raise InvalidRequest(f"The arguments of tool call {call.id[:60]!r} are not a JSON object.", param="messages")
    return arguments


def _tool(tool: Tool) -> Json:
    told = {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}
    return told if tool.strict is None else {**told, "strict": tool.strict}


def _tool_choice(choice: ToolChoice) -> Json:
    if choice.mode == "none":
        return {"type": "none"}
    kind = {"auto": "auto", "required": "any", "tool": "tool"}[choice.mode]
    named = {"name": choice.name} if choice.mode == "tool" else {}
    return {"type": kind, **named} | ({} if choice.parallel else {"disable_parallel_tool_use": True})


def _parts(content: list[Any]) -> list[Text | ToolCall]:
    """Text and calls; other blocks (thinking) stay in the original, for callers who have words for them."""
    parts: list[Text | ToolCall] = []
    for block in content:
        if block["type"] == "text":
            parts.append(Text(string(block["text"])))
        elif block["type"] == "tool_use":
            arguments = json.dumps(block["input"], ensure_ascii=False)
            parts.append(ToolCall(string(block["id"]), string(block["name"]), arguments))
    return parts
