"""Anthropic Messages, as the anthropic SDK sends and reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from gateway.dialects import anthropic_tools
from gateway.dialects.anthropic_shapes import (
    Assistant,
    Body,
    DocumentBlock,
    ImageBlock,
    Prompt,
    SaidBlock,
    SearchResultBlock,
    System,
    TextBlock,
    ToolResultBlock,
    User,
    UserBlock,
)
from gateway.dialects.openai_chat import chain, cost
from llm_core import shapes
from llm_core.errors import InvalidRequest
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
    ToolCall,
    ToolChoice,
    ToolResult,
    Usage,
)

_OURS = {"model", "models", "max_tokens", "stream"}
"""Fields that the platform decides: they are put anew for each candidate."""

_SEEN = {"thinking", "redacted_thinking", "server_tool_use"}
"""Blocks that a model said, beside its text and its calls, of which no token is made that is not a byte of theirs. Any
other may stand for more than it shows: a file, a compressed PDF, what a search has found."""

STOP_REASON: dict[Finish, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "refusal": "refusal",
}


def read(data: bytes, betas: Sequence[str] = ()) -> Request:
    """The body of POST /v1/messages, with these betas switched on. Raises InvalidRequest."""
    value = shapes.parse(data)
    body = shapes.read(Body, value)
    terms = {"inference_geo": body.inference_geo, "speed": None if body.speed == "standard" else body.speed}
    return Request(
        **_prompt(value, body, betas),
        max_tokens=body.max_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        stream=bool(body.stream),
        stop=tuple(body.stop_sequences or ()),
        end_user=(body.metadata and body.metadata.user_id) or "",
        terms={name: term for name, term in terms.items() if term is not None},
    )


def read_prompt(data: bytes, betas: Sequence[str] = ()) -> Request:
    """The body of POST /v1/messages/count_tokens. Raises InvalidRequest."""
    value = shapes.parse(data)
    return Request(**_prompt(value, shapes.read(Prompt, value), betas))


def _prompt(value: dict[str, Any], body: Prompt, betas: Sequence[str]) -> dict[str, Any]:
    """What both routes have in common, as arguments of Request."""
    if not body.model and not body.models:
        raise InvalidRequest("model: Field required.", param="model")
    passed = {name: given for name, given in value.items() if name not in _OURS and given is not None}
    if betas:
        passed["anthropic_beta"] = list(betas)
    output = body.output_config
    return {
        "model": body.model or (body.models or [""])[0],
        "models": chain(body.model, body.models),
        "messages": tuple(_message(each) for each in body.messages if not isinstance(each, System)),
        "system": "\n\n".join(filter(None, (_system(body.system), *map(_system, _later(body))))),
        "tools": tuple(anthropic_tools.written(body)),
        "tool_choice": _tool_choice(body),
        "output": Output(schema=output.format.schema_) if output and output.format else None,
        "fee_uses": anthropic_tools.paid(body),
        "known_tools": anthropic_tools.at_the_callers(body),
        "original": Original("anthropic", passed, tuple(_only_claude(body))),
    }


def _later(body: Prompt) -> Iterator[str | list[TextBlock]]:
    """Instructions in the middle of the conversation: elsewhere they have a place at its beginning only."""
    return (each.content for each in body.messages if isinstance(each, System))


def _system(content: str | list[TextBlock] | None) -> str:
    return content if isinstance(content, str) else "\n\n".join(block.text for block in content or ())


def _only_claude(body: Prompt) -> list[str]:
    """The fields that no other dialect has words for."""
    asks = {
        "thinking": body.thinking is not None and body.thinking.type != "disabled",
        "output_config.effort": body.output_config is not None and body.output_config.effort is not None,
        "tools": any(anthropic_tools.known(body)),
        "top_k": isinstance(body, Body) and body.top_k is not None,
    }
    return [name for name, asked in asks.items() if asked]


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
        case SearchResultBlock():
            return Opaque("search_result")
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
        unseen = any(isinstance(part, ImageBlock | DocumentBlock) for part in block.content)
        return Opaque("tool_result", unseen=unseen)
    return ToolResult(block.tool_use_id, "\n".join(texts), bool(block.is_error))


def _said_part(block: SaidBlock) -> Part:
    match block.type:
        case "text":
            return Text(block.text)
        case "tool_use":
            return ToolCall(block.id, block.name, json.dumps(block.input, ensure_ascii=False))
        case kind:
            return Opaque(kind, unseen=kind not in _SEEN)


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
    """A message. Claude's own comes as it is, under our id and the model's name in the catalog.

    One that does not say why it ended may not be all: `max_tokens` says so.
    """
    reply, call = answer.reply, answer.call
    head = {"id": call.id, "type": "message", "role": "assistant", "model": answer.model.model}
    if reply.dialect == "anthropic":
        stopped = {"stop_reason": reply.original["stop_reason"] or STOP_REASON[reply.finish]}
        return {**reply.original, **head, **stopped, "usage": {**reply.original["usage"], **cost(call)}}
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
