"""Anthropic Messages, as the anthropic SDK sends and reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from gateway.dialects.anthropic_shapes import (
    Assistant,
    Body,
    CustomTool,
    DocumentBlock,
    ImageBlock,
    KnownTool,
    Prompt,
    SaidBlock,
    TextBlock,
    ToolResultBlock,
    User,
    UserBlock,
)
from gateway.dialects.openai_chat import chain, cost
from llm_core import shapes
from llm_core.errors import InvalidRequest, ParameterNotPriced
from llm_core.gateway import Answer
from llm_core.messages import (
    Finish,
    Image,
    Message,
    Opaque,
    Original,
    Output,
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

_OURS = {"model", "models", "max_tokens", "stream"}
"""Fields that the platform decides: they are put anew for each candidate."""

_AT_THE_CALLERS = {"bash", "text_editor", "computer", "memory"}
"""Anthropic's tools that run where the caller is: they cost their tokens and no fee."""

_UNSEEN = {"document", "image", "container_upload"}
"""Blocks whose content may not be in the request."""

STOP_REASON: dict[Finish, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "refusal": "refusal",
}


def read(data: bytes) -> Request:
    """The body of POST /v1/messages as a request. Raises InvalidRequest, ParameterNotPriced."""
    value = shapes.parse(data)
    body = shapes.read(Body, value)
    terms = {"inference_geo": body.inference_geo, "speed": None if body.speed == "standard" else body.speed}
    return Request(
        **_prompt(value, body),
        max_tokens=body.max_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        stream=bool(body.stream),
        stop=tuple(body.stop_sequences or ()),
        end_user=(body.metadata and body.metadata.user_id) or "",
        terms={name: term for name, term in terms.items() if term is not None},
    )


def read_prompt(data: bytes) -> Request:
    """The body of POST /v1/messages/count_tokens. Raises InvalidRequest, ParameterNotPriced."""
    value = shapes.parse(data)
    return Request(**_prompt(value, shapes.read(Prompt, value)))


def _prompt(value: dict[str, Any], body: Prompt) -> dict[str, Any]:
    """What both routes have in common, as arguments of Request."""
    if not body.model and not body.models:
        raise InvalidRequest("model: Field required.", param="model")
    passed = {name: given for name, given in value.items() if name not in _OURS and given is not None}
    output = body.output_config
    return {
        "model": body.model or (body.models or [""])[0],
        "models": chain(body.model, body.models),
        "messages": tuple(_message(each) for each in body.messages),
        "system": body.system if isinstance(body.system, str) else "\n\n".join(b.text for b in body.system or ()),
        "tools": tuple(_tools(body)),
        "tool_choice": _tool_choice(body),
        "output": Output(schema=output.format.schema_) if output and output.format else None,
        "fee_uses": _paid_tools(body),
        "known_tools": tuple(kind for tool in _known(body) if (kind := _kind(tool)) in _AT_THE_CALLERS),
        "original": Original("anthropic", passed, tuple(_only_claude(body))),
    }


def _tools(body: Prompt) -> Iterator[Tool]:
    for tool in body.tools or ():
        if isinstance(tool, CustomTool):
            yield Tool(tool.name, tool.description, tool.input_schema, tool.strict)


def _only_claude(body: Prompt) -> list[str]:
    """The fields that no other dialect has words for."""
    asks = {
        "thinking": body.thinking is not None and body.thinking.type != "disabled",
        "output_config.effort": body.output_config is not None and body.output_config.effort is not None,
        "tools": any(_known(body)),
        "top_k": isinstance(body, Body) and body.top_k is not None,
    }
    return [name for name, asked in asks.items() if asked]


def _paid_tools(body: Prompt) -> dict[str, int]:
    """Tools that Anthropic runs, each with its bound on uses. Raises ParameterNotPriced for one without."""
    paid: dict[str, int] = {}
    for index, tool in enumerate(body.tools or ()):
        if isinstance(tool, CustomTool) or (kind := _kind(tool)) in _AT_THE_CALLERS:
            continue
        if tool.max_uses is None:
            field = f"tools[{index}].max_uses"
            raise ParameterNotPriced(f"{kind} costs a fee per use: bound it by max_uses.", param=field)
        paid[kind] = paid.get(kind, 0) + tool.max_uses
    return paid


def _known(body: Prompt) -> Iterator[KnownTool]:
    return (tool for tool in body.tools or () if isinstance(tool, KnownTool))


def _kind(tool: KnownTool) -> str:
    """What a tool is called without the day of its version: `bash_20250124` is `bash`."""
    return tool.type.rpartition("_")[0]


def _message(message: User | Assistant) -> Message:
    if isinstance(message.content, str):
        return Message(message.role, (Text(message.content),))
    if isinstance(message, User):
        return Message("user", tuple(_user_part(block) for block in message.content))
    return Message("assistant", tuple(_said_part(block) for block in message.content))


def _user_part(block: UserBlock) -> Part:
    match block:
        case TextBlock():
            return Text(block.text)
        case ImageBlock():
            return _image(block)
        case DocumentBlock():
            return Opaque("document", unseen=block.source.type not in ("text", "content"))
        case ToolResultBlock():
            return _result(block)


def _image(block: ImageBlock) -> Image:
    source = block.source
    return Image(source.media_type, source.data) if source.type == "base64" else Image(url=source.url)


def _result(block: ToolResultBlock) -> Part:
    """A tool's result as text; with pictures or documents in it, only Claude can read it."""
    if isinstance(block.content, str):
        return ToolResult(block.tool_use_id, block.content, bool(block.is_error))
    texts = [part.text for part in block.content if isinstance(part, TextBlock)]
    if len(texts) < len(block.content):
        return Opaque("tool_result", unseen=True)
    return ToolResult(block.tool_use_id, "\n".join(texts), bool(block.is_error))


def _said_part(block: SaidBlock) -> Part:
    match block.type:
        case "text":
            return Text(block.text)
        case "tool_use":
            return ToolCall(block.id, block.name, json.dumps(block.input, ensure_ascii=False))
        case kind:
            return Opaque(kind, unseen=kind in _UNSEEN)


def _tool_choice(body: Prompt) -> ToolChoice:
    choice = body.tool_choice
    if choice is None:
        return ToolChoice()
    parallel = not choice.disable_parallel_tool_use
    match choice.type:
        case "any":
            return ToolChoice("required", parallel=parallel)
        case "tool":
            return ToolChoice("tool", choice.name, parallel)
        case mode:
            return ToolChoice(mode, parallel=parallel)


def write(answer: Answer[Reply]) -> dict[str, Any]:
    """A message. Claude's own comes as it is, under our id and the model's name in the catalog."""
    reply, call = answer.reply, answer.call
    head = {"id": call.id, "type": "message", "role": "assistant", "model": answer.model.model}
    if reply.dialect == "anthropic":
        return {**reply.original, **head, "usage": {**reply.original["usage"], **cost(call)}}
    content = [_block(part) for part in reply.parts]
    stop = {"stop_reason": STOP_REASON[reply.finish], "stop_sequence": None}
    return {**head, "content": content, **stop, "usage": {**usage(reply.usage), **cost(call)}}


def _block(part: Text | ToolCall) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    return {"type": "tool_use", "id": part.id, "name": part.name, "input": _arguments(part)}


def _arguments(call: ToolCall) -> dict[str, Any]:
    """The call's arguments as the object this dialect has; text that is none stands under `invalid_json`."""
    try:
        arguments = shapes.parse((call.arguments or "{}").encode())
    except InvalidRequest:
        return {"invalid_json": call.arguments}
    return arguments if isinstance(arguments, dict) else {"invalid_json": call.arguments}


def usage(counted: Usage) -> dict[str, Any]:
    return {
        "input_tokens": counted.input,
        "cache_creation_input_tokens": counted.cache_write_5m + counted.cache_write_1h,
        "cache_creation": {
            "ephemeral_5m_input_tokens": counted.cache_write_5m,
            "ephemeral_1h_input_tokens": counted.cache_write_1h,
        },
        "cache_read_input_tokens": counted.cache_read,
        "output_tokens": counted.output,
    }
